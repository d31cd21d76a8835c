// SPDX-License-Identifier: Apache-2.0

// Package loss holds the distillation losses, one a file: the formula, the paper
// it is from, and the ONNX nodes that compute it. A loss is appended to the
// student's graph; the training engine differentiates it like everything else.
package loss

import (
	"fmt"
	"math"
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
	// Target is what the loss compares the student's logits with.
	Target Target
	// Append adds the nodes and returns the tensor of one value a sample, [N].
	Append func(f *Fragment) string
}

// Target is a kind of training target.
type Target int

const (
	// TeacherLogits is [N, classes]: the teacher's logits.
	TeacherLogits Target = iota
	// OneHotLabels is [N, classes]: 1 at the label, 0 elsewhere.
	OneHotLabels
)

// Param is a number that shapes a loss.
type Param struct {
	Name     string
	Default  float64
	Min, Max float64
	Doc      string
}

// Fragment is what a loss is appended to.
type Fragment struct {
	*onnx.Builder
	// Opset is the ai.onnx version of the graph.
	Opset int
	// Student and Target are the tensors to compare, both [N, classes].
	Student, Target string

	loss   *Loss
	values map[string]float64
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
func (f *Fragment) SumClasses(x string) string {
	if f.Opset < 13 {
		return f.Op("ReduceSum", []string{x}, onnx.Ints("axes", 1), onnx.Int("keepdims", 0))
	}
	return f.Op("ReduceSum", []string{x, f.Int64("axes", []int64{1}, []int64{1})}, onnx.Int("keepdims", 0))
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
			return Term{}, fmt.Errorf("loss %s has no parameter %q", name, key)
		}
	}
	return Term{Loss: l, Weight: weight, Values: values}, nil
}

func short(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// Append adds the term to b's graph and returns its tensor of one weighted value
// a sample, [N].
func (t Term) Append(b *onnx.Builder, opset int, student, target string) string {
	f := &Fragment{Builder: b, Opset: opset, Student: student, Target: target, loss: t.Loss, values: t.Values}
	return f.Scale(t.Loss.Append(f), t.Weight)
}
