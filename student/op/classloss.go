// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// classLoss is a bound NegativeLogLikelihoodLoss or SoftmaxCrossEntropyLoss: of
// logarithms of probabilities [samples, classes, places] those of the target classes
// [samples, places], weighted by class.
type classLoss[T kernel.Float] struct {
	samples         count
	classes, places int
	mean            bool
	reduced         bool // to one number
	skips           bool // targets of ignore do not count
	ignore          T
}

// newClassLoss reads shapes and attributes, and returns a kernel without phases.
func newClassLoss[T kernel.Float](n *Node, outs int) (*classLoss[T], *Kernel[T], error) {
	if err := n.arity(2, 3, outs); err != nil {
		return nil, nil, err
	}
	x, target := n.In[0].Shape, n.In[1].Shape
	if len(x) < 2 || len(target) != len(x)-1 || target[0] != x[0] || Len(target)*x[1] != Len(x) {
		return nil, nil, fmt.Errorf("scores of shape %v and targets of shape %v do not fit each other", x, target)
	}
	if n.Has(2) && (len(n.In[2].Shape) != 1 || n.In[2].Shape[0] != x[1]) {
		return nil, nil, fmt.Errorf("weights have shape %v, wants [%d]", n.In[2].Shape, x[1])
	}
	l := &classLoss[T]{classes: x[1], places: Len(x[2:]), skips: n.Attr("ignore_index") != nil, ignore: T(n.Int("ignore_index", 0)), reduced: true}
	switch r := n.String("reduction", "mean"); r {
	case "mean":
		l.mean = true
	case "sum":
	case "none":
		l.reduced = false
	default:
		return nil, nil, fmt.Errorf("reduction is %q, wants mean, sum or none", r)
	}
	shape := target
	if l.reduced {
		shape = []int{}
	}
	batched := !l.reduced && n.In[0].Batched && n.In[1].Batched && !(n.Has(2) && n.In[2].Batched)
	l.samples = n.count(x[0], batched)
	return l, result[T](n, shape, batched), nil
}

// each calls visit for every target that counts: its place among the targets, its place
// among the scores, and its weight.
func (l *classLoss[T]) each(f *Frame[T], visit func(at, score int, weight T)) {
	target, weights := f.In[1], operand(f.In, 2)
	for s := range l.samples.of(f.N) {
		for i := range l.places {
			at := s*l.places + i
			if l.skips && target[at] == l.ignore {
				continue
			}
			c, w := index(target[at], l.classes), T(1)
			if weights != nil {
				w = weights[c]
			}
			visit(at, (s*l.classes+c)*l.places+i, w)
		}
	}
}

// forward writes the losses given the logarithms of the probabilities.
func (l *classLoss[T]) forward(f *Frame[T], logs []T) {
	y := f.Out[0]
	if !l.reduced {
		clear(y)
		l.each(f, func(at, score int, w T) { y[at] = -w * logs[score] })
		return
	}
	var sum, weight float64
	l.each(f, func(_, score int, w T) {
		sum -= float64(w * logs[score])
		weight += float64(w)
	})
	if l.mean {
		sum /= weight
	}
	y[0] = T(sum)
}

// backward adds the gradients of the logarithms.
func (l *classLoss[T]) backward(f *Frame[T], dlogs []T) {
	dy := f.DOut[0]
	if !l.reduced {
		l.each(f, func(at, score int, w T) { dlogs[score] -= w * dy[at] })
		return
	}
	d := float64(dy[0])
	if l.mean {
		var weight float64
		l.each(f, func(_, _ int, w T) { weight += float64(w) })
		d /= weight
	}
	l.each(f, func(_, score int, w T) { dlogs[score] -= w * T(d) })
}

// classLossCases are the forms both operators are checked in.
func classLossCases(oldest int) []Case {
	classes := func(shape ...int) Arg { return Arg{Shape: shape, Lo: 0, Hi: 4, Type: onnx.Int64, Batched: true} }
	weights := Arg{Shape: []int{4}, Lo: 0.5, Hi: 2}
	reduction := func(r string, more ...onnx.Attr) []onnx.Attr { return append(more, onnx.String("reduction", r)) }
	return []Case{
		{Name: "none", Attrs: reduction("none"), In: []Arg{{Shape: []int{5, 4}}, classes(5)}},
		{Name: "oldest opset", Opset: oldest, Attrs: reduction("none"), In: []Arg{{Shape: []int{5, 4}}, classes(5)}},
		{Name: "none, weights, places", Attrs: reduction("none"), In: []Arg{{Shape: []int{5, 4, 2, 3}}, classes(5, 2, 3), weights}},
		{Name: "two a sample", Attrs: reduction("none"), In: []Arg{{Shape: []int{10, 4, 3}}, classes(10, 3)}},
		{Name: "mean", In: []Arg{{Shape: []int{5, 4}}, classes(5)}},
		{Name: "mean, weights", In: []Arg{{Shape: []int{5, 4, 3}}, classes(5, 3), weights}},
		{Name: "sum", Attrs: reduction("sum"), In: []Arg{{Shape: []int{5, 4, 3}}, classes(5, 3)}},
		{Name: "ignored", Attrs: reduction("mean", onnx.Int("ignore_index", 2)), In: []Arg{{Shape: []int{5, 4, 3}}, classes(5, 3), weights}},
		{Name: "ignored, none", Attrs: reduction("none", onnx.Int("ignore_index", 1)), In: []Arg{{Shape: []int{5, 4}}, classes(5)}},
	}
}
