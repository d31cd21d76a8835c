// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// ScatterElements copies the data and then sets or changes elements of the copy: at
// every position of an index tensor the element at the same position but for one
// axis, where the index says which. The reductions mul, max and min have no
// gradient. Which of several updates of one element remains is not defined without
// a reduction; here it is the last.
//
// https://onnx.ai/onnx/operators/onnx__ScatterElements.html
// Since opset 11; 16 brought the reductions add and mul, 18 max and min; 13 only
// added types.
var _ = register(Op{
	Name: "ScatterElements", Since: 11,
	Bind32: bindScatterElements[float32], Bind64: bindScatterElements[float64],
	Cases: []Case{
		{Name: "a class a sample", Attrs: along(1), In: []Arg{{Shape: []int{5, 4}}, {Shape: []int{5, 1}, Lo: -4, Hi: 4, Type: onnx.Int64, Batched: true}, {Shape: []int{5, 1}, Batched: true}}},
		{Name: "oldest opset", Opset: 11, Attrs: along(1), In: []Arg{{Shape: []int{5, 4}}, {Shape: []int{5, 1}, Lo: -4, Hi: 4, Type: onnx.Int64, Batched: true}, {Shape: []int{5, 1}, Batched: true}}},
		{Name: "added", Attrs: scatterBy("add", 1), In: []Arg{{Shape: []int{5, 4, 2}}, {Shape: []int{5, 6, 2}, Lo: 0, Hi: 4, Type: onnx.Int64, Batched: true}, {Shape: []int{5, 6, 2}, Batched: true}}},
		{Name: "multiplied", Attrs: scatterBy("mul", 1), In: []Arg{{Shape: []int{5, 4}}, {Shape: []int{5, 3}, Lo: 0, Hi: 4, Type: onnx.Int64, Batched: true}, {Shape: []int{5, 3}, Batched: true}}, ForwardOnly: true},
		{Name: "largest", Attrs: scatterBy("max", 1), In: []Arg{{Shape: []int{5, 4}}, {Shape: []int{5, 3}, Lo: 0, Hi: 4, Type: onnx.Int64, Batched: true}, {Shape: []int{5, 3}, Batched: true}}, ForwardOnly: true},
		{Name: "smallest", Attrs: scatterBy("min", 1), In: []Arg{{Shape: []int{5, 4}}, {Shape: []int{5, 3}, Lo: 0, Hi: 4, Type: onnx.Int64, Batched: true}, {Shape: []int{5, 3}, Batched: true}}, ForwardOnly: true},
		{Name: "samples", In: []Arg{{Shape: []int{5, 2}}, {Shape: []int{2, 2}, Ints: []int64{4, 0, -2, 3}}, {Shape: []int{2, 2}}}},
		{Name: "weights", Attrs: scatterBy("add", 1), In: []Arg{{Shape: []int{2, 3}, Shared: true}, {Shape: []int{2, 2}, Ints: []int64{2, 2, 0, 1}}, {Shape: []int{2, 2}}}},
	},
})

// scatterBy are the attributes reduction and axis.
func scatterBy(reduction string, axis int64) []onnx.Attr {
	return append(along(axis), onnx.String("reduction", reduction))
}

func bindScatterElements[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(3, 3, 1); err != nil {
		return nil, err
	}
	if !slices.Equal(n.In[1].Shape, n.In[2].Shape) {
		return nil, fmt.Errorf("updates of shape %v for indices of shape %v", n.In[2].Shape, n.In[1].Shape)
	}
	e, err := n.newElements()
	if err != nil {
		return nil, err
	}
	reduce, err := scatterReduction[T](n.String("reduction", "none"))
	if err != nil {
		return nil, err
	}
	if e.batched && !n.In[2].Batched {
		return nil, fmt.Errorf("the updates are the same for all samples, the indices are not")
	}
	k := result[T](n, n.In[0].Shape, e.batched)
	k.ReadsIn = []int{1}
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		copy(f.Out[0], f.In[0])
		y, from, updates := f.Out[0], f.In[1], f.In[2]
		for range e.lead.of(f.N) {
			for i, base := range e.bases {
				o := base + index(from[i], e.d)*e.step
				y[o] = reduce(y[o], updates[i])
			}
			y, from, updates = y[e.block:], from[len(e.bases):], updates[len(e.bases):]
		}
	}}
	adds := n.String("reduction", "none") == "add"
	if !adds && n.String("reduction", "none") != "none" {
		return k, nil
	}
	if !adds {
		k.Scratch = e.block
	}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		dy, from, at := f.DOut[0], f.In[1], 0
		for b := range e.lead.of(f.N) {
			d := dy[b*e.block : (b+1)*e.block]
			if f.DIn[2] != nil {
				for i, base := range e.bases {
					f.DIn[2][at+i] += d[base+index(from[at+i], e.d)*e.step]
				}
			}
			if dx := f.DIn[0]; dx != nil {
				if !adds { // what was written over reaches no output
					copy(f.Scratch[:e.block], d)
					d = f.Scratch[:e.block]
					for i, base := range e.bases {
						d[base+index(from[at+i], e.d)*e.step] = 0
					}
				}
				kernel.Add(dx[b*e.block:(b+1)*e.block], d)
			}
			at += len(e.bases)
		}
	}}
	return k, nil
}

// scatterReduction joins an element with its update.
func scatterReduction[T kernel.Float](name string) (func(old, update T) T, error) {
	switch name {
	case "none":
		return func(_, u T) T { return u }, nil
	case "add":
		return func(o, u T) T { return o + u }, nil
	case "mul":
		return func(o, u T) T { return o * u }, nil
	case "max":
		return func(o, u T) T { return max(o, u) }, nil
	case "min":
		return func(o, u T) T { return min(o, u) }, nil
	}
	return nil, fmt.Errorf("reduction is %q, wants none, add, mul, max or min", name)
}
