// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Microsoft is the domain of ONNX Runtime's own operators, which its optimiser and some
// exporters write:
// https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
const Microsoft = "com.microsoft"

// biased binds an elementwise operator behind the sum of input 0 and an optional vector,
// input 1, along its last axis.
func biased[T kernel.Float](n *Node, value func(y, x []T), grad func(dx, dy, x []T)) (*Kernel[T], error) {
	x := &n.In[0]
	if !n.Has(1) {
		return unary[T]{fwd: value, bwd: func(dx, dy, x, _ []T) { grad(dx, dy, x) }, readX: true}.bind(n), nil
	}
	if len(x.Shape) == 0 || len(n.In[1].Shape) != 1 || n.In[1].Shape[0] != x.Shape[len(x.Shape)-1] {
		return nil, fmt.Errorf("a bias of shape %v does not fit shape %v", n.In[1].Shape, x.Shape)
	}
	batched := x.Batched && len(x.Shape) > 1 && !n.In[1].Batched
	elements, width := n.count(x.Len(), batched), n.In[1].Shape[0]
	k := result[T](n, x.Shape, batched)
	k.ReadsIn = []int{0, 1}
	k.Scratch, k.ScratchPer = 2*elements.fixed, 2*elements.per
	sum := func(to []T, f *Frame[T]) {
		for at := 0; at < len(to); at += width {
			kernel.AddTo(to[at:at+width], f.In[0][at:], f.In[1])
		}
	}
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		x := f.Scratch[:elements.of(f.N)]
		sum(x, f)
		value(f.Out[0], x)
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		size := elements.of(f.N)
		x, d := f.Scratch[:size], f.Scratch[size:2*size]
		sum(x, f)
		clear(d)
		grad(d, f.DOut[0], x)
		if f.DIn[0] != nil {
			kernel.Add(f.DIn[0], d)
		}
		if f.DIn[1] != nil {
			for at := 0; at < size; at += width {
				kernel.Add(f.DIn[1], d[at:])
			}
		}
	}}
	return k, nil
}

// biasedCases are the forms of such an operator.
func biasedCases(needed bool) []Case {
	x := func(shape ...int) Arg { return Arg{Shape: shape, Lo: -3, Hi: 3} }
	cases := []Case{
		{Name: "rows", In: []Arg{x(5, 7), x(7)}},
		{Name: "tokens", In: []Arg{x(5, 3, 9), x(9)}},
		{Name: "two images a sample", In: []Arg{x(10, 3), x(3)}},
		{Name: "weights", In: []Arg{{Shape: []int{3, 4}, Shared: true}, x(4)}},
	}
	if !needed {
		cases = append(cases, Case{Name: "no bias", In: []Arg{x(5, 7)}})
	}
	return cases
}
