// SPDX-License-Identifier: Apache-2.0

// Package loss holds the distillation losses, one a file: the formula, the paper
// it is from, and the ONNX nodes that compute it. A loss is appended to the
// student's graph; the training engine differentiates it like everything else.
package loss

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/kdcompress/kdcompress/onnx"
)

// Loss is a registered loss.
type Loss struct {
	Name    string
	Summary string
	Params  []Param
	// ScaleFree says that the loss does not hold the size of the student's logits
	// to the teacher's. The training then fits a factor for it at the end.
	ScaleFree bool
	// For lists what the loss can compare; nil is ClassScores alone.
	For []Answer
	// Family says what is compared. Losses of another family than Response read the
	// Pairs of the fragment, found at Place where the caller names none.
	Family Family
	Place  Place
	// TakesHead says that the student goes on with the teacher's classifier behind
	// the tensor that is compared.
	TakesHead bool
	// Check says why a pair cannot be compared; nil takes any.
	Check func(Pair) error
	// Append adds the nodes and returns the tensors to minimise the sum of: each
	// holds one value a row, [N], of which the engine takes the mean, or one value
	// in all.
	Append func(f *Fragment) []string
}

// Answer says what the numbers are that a loss compares. A row of them is one
// answer: a sample's, or that of one position of a sample.
type Answer int

const (
	// ClassScores become a distribution over classes through a softmax.
	ClassScores Answer = iota
	// LabelScores become a probability each through a sigmoid.
	LabelScores
	// Numbers are what they are.
	Numbers
	// Vectors are numbers of which the direction matters.
	Vectors
)

// String names what is compared, for messages.
func (a Answer) String() string {
	return [...]string{"scores of classes", "scores of labels", "numbers", "embeddings"}[a]
}

// Compares says whether the loss is made for such answers.
func (l *Loss) Compares(a Answer) bool {
	if l.For == nil {
		return a == ClassScores
	}
	return slices.Contains(l.For, a)
}

// anything is for losses that need no distribution.
var anything = []Answer{ClassScores, LabelScores, Numbers, Vectors}

// Target is something a loss compares the student's logits with.
type Target int

const (
	// TeacherLogits is [N, classes]: the teacher's logits.
	TeacherLogits Target = iota
	// TeacherChoice is [N, classes]: 1 at the teacher's largest logit, 0 elsewhere.
	TeacherChoice
	// Labels is [N, classes]: 1 at the true class, 0 elsewhere.
	Labels
	// Position is [N, N]: 1 at the place of the sample in its batch, 0 elsewhere.
	Position
)

// Param is a number that shapes a loss.
type Param struct {
	Name     string
	Default  float64
	Min, Max float64
	Doc      string
}

// temperature is the parameter of losses that soften both distributions.
func temperature(def float64) Param {
	return Param{Name: "temperature", Default: def, Min: 0.01, Max: 1000, Doc: "softens both distributions"}
}

// Fragment is what a loss is appended to.
type Fragment struct {
	*onnx.Builder
	// Opset is the ai.onnx version of the graph.
	Opset int
	// Classes is the number of logits a sample.
	Classes int
	// Student is the tensor of the student's logits, [N, classes].
	Student string
	// Target gives the tensor of a target.
	Target func(Target) string
	// Pairs are the tensors inside the models that are compared.
	Pairs []Pair
	// Batch is the number of samples of a step.
	Batch int

	loss   *Loss
	values map[string]float64
	seed   uint64
}

// Value is the value of a parameter of the loss.
func (f *Fragment) Value(name string) float64 {
	if v, ok := f.values[name]; ok {
		return v
	}
	for _, p := range f.loss.Params {
		if p.Name == name {
			return p.Default
		}
	}
	panic("loss: no such parameter: " + name)
}

// Scale multiplies a tensor by a number.
func (f *Fragment) Scale(x string, by float64) string {
	if by == 1 {
		return x
	}
	return f.Op("Mul", []string{x, f.Float32("scale", nil, []float32{float32(by)})})
}

// SumClasses adds up the class axis: [N, classes] to [N].
func (f *Fragment) SumClasses(x string) string { return f.sum(x, 1, 0) }

// sum adds up one axis.
func (f *Fragment) sum(x string, axis, keep int64) string {
	if f.Opset < 13 {
		return f.Op("ReduceSum", []string{x}, onnx.Ints("axes", axis), onnx.Int("keepdims", keep))
	}
	return f.Op("ReduceSum", []string{x, f.Int64("axes", []int64{1}, []int64{axis})}, onnx.Int("keepdims", keep))
}

// mean takes the mean of one axis and keeps it with size 1.
func (f *Fragment) mean(x string, axis int64) string {
	if f.Opset < 18 {
		return f.Op("ReduceMean", []string{x}, onnx.Ints("axes", axis), onnx.Int("keepdims", 1))
	}
	return f.Op("ReduceMean", []string{x, f.Int64("axes", []int64{1}, []int64{axis})}, onnx.Int("keepdims", 1))
}

// Offset adds a number to a tensor.
func (f *Fragment) Offset(x string, by float64) string {
	return f.Op("Add", []string{x, f.Float32("offset", nil, []float32{float32(by)})})
}

// LogSoftmax normalises the class axis of x in the log domain.
func (f *Fragment) LogSoftmax(x string) string {
	return f.Op("LogSoftmax", []string{x}, onnx.Int("axis", 1))
}

// Softmax normalises the class axis of x.
func (f *Fragment) Softmax(x string) string {
	return f.Op("Softmax", []string{x}, onnx.Int("axis", 1))
}

var losses = map[string]*Loss{}

func register(l Loss) *Loss {
	if losses[l.Name] != nil {
		panic("loss: registered twice: " + l.Name)
	}
	losses[l.Name] = &l
	return &l
}

// All returns every loss, sorted by name.
func All() []*Loss {
	var all []*Loss
	for _, l := range losses {
		all = append(all, l)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	return all
}

// Term is a loss with its parameters and its weight in the objective.
type Term struct {
	Loss   *Loss
	Weight float64
	Values map[string]float64
	// Balanced asks that the weight follow the size of the first term: the training
	// multiplies by the ratio of the two.
	Balanced bool
	// Pairs, Batch and Seed are given by the training before Append: the tensors
	// inside the models, in the training graph, the samples of a step, and where the
	// projectors' weights begin.
	Pairs []Pair
	Batch int
	Seed  uint64
}

// NewTerm chooses a loss by name. Values override its parameters' defaults.
func NewTerm(name string, weight float64, values map[string]float64) (Term, error) {
	l := losses[name]
	if l == nil {
		var names []string
		for _, l := range All() {
			names = append(names, l.Name)
		}
		return Term{}, fmt.Errorf("no loss %q; there are %s", name, strings.Join(names, ", "))
	}
	if !(weight > 0) || math.IsInf(weight, 0) {
		return Term{}, fmt.Errorf("loss %s: weight %g is not a positive number", name, weight)
	}
	for key, v := range values {
		known := false
		for _, p := range l.Params {
			if p.Name != key {
				continue
			}
			known = true
			if !(v >= p.Min && v <= p.Max) {
				return Term{}, fmt.Errorf("loss %s: %s must lie from %s to %s, not %s", name, key, short(p.Min), short(p.Max), short(v))
			}
		}
		if !known {
			return Term{}, fmt.Errorf("loss %s has no parameter %q; it has %s", name, key, l.paramNames())
		}
	}
	return Term{Loss: l, Weight: weight, Values: values}, nil
}

// Param returns the parameter called name, nil if the loss has none.
func (l *Loss) Param(name string) *Param {
	for i := range l.Params {
		if l.Params[i].Name == name {
			return &l.Params[i]
		}
	}
	return nil
}

func (l *Loss) paramNames() string {
	var names []string
	for _, p := range l.Params {
		names = append(names, p.Name)
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ", ")
}

// Parse reads a loss as the command line names it: "kd", or "dkd:beta=2,alpha=1".
// Feature and relation losses take their parameters by position too, "fitnet:100"
// or "rkd:25,50", and "auto" for a weight that follows the first term's size.
// Values in more are used where the loss has such a parameter and the text does
// not set it.
func Parse(text string, weight float64, more map[string]float64) (Term, error) {
	name, rest, _ := strings.Cut(text, ":")
	values := map[string]float64{}
	if l := losses[name]; l != nil {
		for key, v := range more {
			if l.Param(key) != nil {
				values[key] = v
			}
		}
	}
	balanced, place := false, 0
	for part := range strings.SplitSeq(rest, ",") {
		if part == "" {
			continue
		}
		key, number, named := strings.Cut(part, "=")
		if l := losses[name]; l != nil && l.Family != Response && !named {
			if part == "auto" {
				balanced = true
				continue
			}
			if place == len(l.Params) {
				return Term{}, fmt.Errorf("loss %s: more numbers than its parameters: %s", name, l.paramNames())
			}
			key, number = l.Params[place].Name, part
			place++
		}
		v, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return Term{}, fmt.Errorf("loss %s: %q is not PARAMETER=NUMBER", name, part)
		}
		values[key] = v
	}
	t, err := NewTerm(name, weight, values)
	t.Balanced = balanced
	return t, err
}

func short(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// Append adds the term to b's graph and returns its tensors, weighted, as
// Loss.Append does. Student is [N, classes]; target gives the tensors compared
// with.
func (t Term) Append(b *onnx.Builder, opset, classes int, student string, target func(Target) string) []string {
	f := &Fragment{Builder: b, Opset: opset, Classes: classes, Student: student, Target: target,
		Pairs: t.Pairs, Batch: t.Batch, loss: t.Loss, values: t.Values, seed: t.Seed}
	out := t.Loss.Append(f)
	for i, x := range out {
		out[i] = f.Scale(x, t.Weight)
	}
	return out
}
