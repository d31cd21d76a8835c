// SPDX-License-Identifier: Apache-2.0

// Package cut makes students out of the teacher's own graph: narrower, with fewer
// layers, with products of low rank. Each way is a rewrite from graph to graph, so
// they combine; weights start as the teacher's and what remains is fitted to the
// teacher's activations on unlabelled samples by least squares. No label and no
// gradient step is needed; distillation goes on from there.
//
// Channels are followed by number, not by layer: every position of every axis of
// every tensor is an atom, and an operator's rule says which atoms can only go
// together. Residual additions, concatenations, groups, heads and flattened
// pictures then need no case of their own. This is DepGraph's coupling (Fang et al.
// 2023, arXiv:2301.12900) over ONNX tensors.
package cut

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
	"github.com/kdcompress/kdcompress/student"
	"github.com/kdcompress/kdcompress/student/engine"
)

// Kind is a way to cut, registered by its file.
type Kind struct {
	Name    string
	Summary string
	Options []Option
	run     func(ctx context.Context, w *work, s Step) error
}

// Option is a setting of a kind: a number from Min to Max, or one of Choices.
type Option struct {
	Name     string
	Default  string
	Doc      string
	Min, Max float64
	Choices  []string
}

var kinds []*Kind

// register adds a kind; package-level variables of this package call it.
func register(k Kind) *Kind {
	kinds = append(kinds, &k)
	slices.SortFunc(kinds, func(a, b *Kind) int { return strings.Compare(a.Name, b.Name) })
	return &k
}

// Kinds lists the ways to cut, sorted by name.
func Kinds() []*Kind { return kinds }

func lookup(name string) *Kind {
	for _, k := range kinds {
		if k.Name == name {
			return k
		}
	}
	return nil
}

// Step is one cut with its options.
type Step struct {
	Kind    *Kind
	Options map[string]string
}

// Recipe is a chain of cuts, written "narrow:ratio=0.5+shallow:keep=3".
type Recipe []Step

// Is says whether a specification begins with the name of a cut.
func Is(spec string) bool {
	name, _, _ := strings.Cut(spec, "+")
	name, _, _ = strings.Cut(name, ":")
	return lookup(name) != nil
}

// Parse reads a recipe and checks its options.
func Parse(spec string) (Recipe, error) {
	var r Recipe
	for part := range strings.SplitSeq(spec, "+") {
		name, rest, _ := strings.Cut(part, ":")
		k := lookup(name)
		if k == nil {
			var names []string
			for _, k := range kinds {
				names = append(names, k.Name)
			}
			return nil, fmt.Errorf("no way to cut a teacher is called %q; there are %s", name, strings.Join(names, ", "))
		}
		s := Step{Kind: k, Options: map[string]string{}}
		for rest != "" {
			var setting string
			setting, rest, _ = strings.Cut(rest, ",")
			key, value, found := strings.Cut(setting, "=")
			i := slices.IndexFunc(k.Options, func(o Option) bool { return o.Name == key })
			if !found || i < 0 {
				return nil, fmt.Errorf("student %s has no option %q; it has %s", name, setting, k.optionNames())
			}
			if err := k.Options[i].check(value); err != nil {
				return nil, fmt.Errorf("student %s: %w", name, err)
			}
			s.Options[key] = value
		}
		r = append(r, s)
	}
	return r, nil
}

func (k *Kind) optionNames() string {
	var names []string
	for _, o := range k.Options {
		names = append(names, o.Name)
	}
	return strings.Join(names, ", ")
}

func (o Option) check(value string) error {
	if o.Choices != nil {
		if !slices.Contains(o.Choices, value) {
			return fmt.Errorf("option %s is one of %s, not %q", o.Name, strings.Join(o.Choices, ", "), value)
		}
		return nil
	}
	v, err := strconv.ParseFloat(value, 64)
	if err != nil || !(v >= o.Min && v <= o.Max) {
		return fmt.Errorf("option %s is a number from %g to %g, not %q", o.Name, o.Min, o.Max, value)
	}
	return nil
}

// String writes the recipe as Parse reads it.
func (r Recipe) String() string {
	var steps []string
	for _, s := range r {
		var set []string
		for _, o := range s.Kind.Options {
			if v, ok := s.Options[o.Name]; ok {
				set = append(set, o.Name+"="+v)
			}
		}
		text := s.Kind.Name
		if set != nil {
			text += ":" + strings.Join(set, ",")
		}
		steps = append(steps, text)
	}
	return strings.Join(steps, "+")
}

// text is the value of an option.
func (s Step) text(name string) string {
	if v, ok := s.Options[name]; ok {
		return v
	}
	for _, o := range s.Kind.Options {
		if o.Name == name {
			return o.Default
		}
	}
	panic("cut: no such option: " + name)
}

// number is the value of a numeric option.
func (s Step) number(name string) float64 {
	v, err := strconv.ParseFloat(s.text(name), 64)
	if err != nil {
		panic("cut: not a numeric option: " + name)
	}
	return v
}

// Samples are unlabelled inputs to judge and fit by.
type Samples struct {
	N int
	// Inputs holds N samples of each input of the model, one after the other.
	Inputs [][]float32
}

// Result is a cut student and what was done to it.
type Result struct {
	Student *student.Student
	// Notes tell, a line each, what was cut and what could not be.
	Notes []string
}

// ErrNothing says that a graph offers nothing to a cut.
var ErrNothing = errors.New("nothing to cut")

// work is a graph being cut.
type work struct {
	sig     student.Signature
	model   *onnx.Model
	samples *Samples
	seed    uint64
	shards  int
	notes   []string
}

func (w *work) note(format string, args ...any) {
	w.notes = append(w.notes, fmt.Sprintf(format, args...))
}

// Cut makes a student of the teacher of sig, which is to be normalised. The same
// arguments give the same bytes. The error wraps ErrNothing where the graph has
// nothing that a step could remove.
func Cut(ctx context.Context, sig student.Signature, r Recipe, samples *Samples, seed uint64, shards int) (*Result, error) {
	w := &work{sig: sig, samples: samples, seed: seed, shards: shards}
	for _, a := range sig.Answers() {
		if a.Knowledge.Kind == rewrite.KindProbabilities {
			return nil, fmt.Errorf("the teacher gives probabilities at %q and has no scores before them, so a student cut from it cannot be trained; choose an architecture", a.Knowledge.Output)
		}
	}
	if err := w.open(); err != nil {
		return nil, err
	}
	want, err := w.probe(w.model)
	if err != nil {
		return nil, err
	}
	for _, s := range r {
		if err := s.Kind.run(ctx, w, s); err != nil {
			return nil, fmt.Errorf("student %s: %w", s.Kind.Name, err)
		}
		w.model = rewrite.RemoveDead(w.model)
		if err := w.model.Graph.Sort(); err != nil {
			return nil, fmt.Errorf("student %s: %w", s.Kind.Name, err)
		}
		if err := w.model.Check(); err != nil {
			return nil, fmt.Errorf("student %s broke the model: %w", s.Kind.Name, err)
		}
		got, err := w.probe(w.model)
		if err != nil {
			return nil, fmt.Errorf("student %s broke the model: %w", s.Kind.Name, err)
		}
		for _, name := range w.scores() {
			if a, b := want.Shape(name), got.Shape(name); !slices.Equal(a, b) {
				return nil, fmt.Errorf("student %s broke the model: its %q has shape %v, the teacher's %v", s.Kind.Name, name, b, a)
			}
		}
	}
	m := w.model
	m.Graph.DropNotes()
	m.ProducerName, m.ProducerVersion, m.ModelVersion = "kdcompress", "", m.ModelVersion+1
	return &Result{Student: student.Of(m, w.scores(), r.String()), Notes: w.notes}, nil
}

// scores are the tensors that a student learns: a cut keeps their names and shapes.
func (w *work) scores() []string {
	var names []string
	for _, a := range w.sig.Answers() {
		names = append(names, a.Knowledge.Logits)
	}
	return names
}

// open prepares the teacher's graph: any batch, BatchNormalization folded where it
// follows a layer, the teacher's declarations.
func (w *work) open() error {
	m := w.sig.Teacher.Clone()
	if inputs := m.Graph.DataInputs(); len(inputs) > 0 && len(inputs[0].Dims) > 0 && inputs[0].Dims[0].Size > 0 {
		open, err := rewrite.OpenBatch(m, "N")
		if err != nil {
			return err
		}
		m = open
	}
	m, _, err := rewrite.FoldBatchNorm(m)
	if err != nil {
		return err
	}
	declared := w.sig.Teacher.Clone().Graph
	m.Graph.Inputs, m.Graph.Outputs = declared.DataInputs(), declared.Outputs
	for _, v := range m.Graph.ValueInfo {
		v.Ranked, v.Dims = false, nil
	}
	w.model = m
	return nil
}

// probe binds the graph to two samples.
func (w *work) probe(m *onnx.Model) (*engine.Plan[float32], error) {
	return w.compile(m, 2, engine.Options{Outputs: w.scores()})
}

// compile binds a graph of the sample shapes to a batch.
func (w *work) compile(m *onnx.Model, batch int, o engine.Options) (*engine.Plan[float32], error) {
	params, err := engine.NewParams[float32](m.Graph, nil)
	if err != nil {
		return nil, err
	}
	return w.compileWith(m, params, batch, o)
}

func (w *work) compileWith(m *onnx.Model, params *engine.Params[float32], batch int, o engine.Options) (*engine.Plan[float32], error) {
	o.Batch, o.Shards, o.Opset, o.Seed = batch, min(w.shards, batch), int(m.Opset("")), w.seed
	return engine.Compile(student.Sized(m.Graph, w.sig.Inputs), params, o)
}
