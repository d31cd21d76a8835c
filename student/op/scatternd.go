// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// ScatterND copies the data and then sets or changes slices of the copy: the last
// axis of the indices holds a position on each of the data's first axes. The
// indices name samples, so the operator sees the whole batch. The reductions mul,
// max and min have no gradient. Which of several updates of one slice remains is
// not defined without a reduction; here it is the last.
//
// https://onnx.ai/onnx/operators/onnx__ScatterND.html
// Since opset 11; 16 brought the reductions add and mul, 18 max and min; 13 only
// added types.
var _ = register(Op{
	Name: "ScatterND", Since: 11,
	Bind32: bindScatterND[float32], Bind64: bindScatterND[float64],
	Cases: []Case{
		{Name: "samples", In: []Arg{{Shape: []int{5, 3}}, {Shape: []int{2, 1}, Ints: []int64{-1, 1}}, {Shape: []int{2, 3}}}},
		{Name: "oldest opset", Opset: 11, In: []Arg{{Shape: []int{5, 3}}, {Shape: []int{2, 2}, Ints: []int64{0, 1, 4, 2}}, {Shape: []int{2}}}},
		{Name: "added", Attrs: []onnx.Attr{onnx.String("reduction", "add")}, In: []Arg{{Shape: []int{5, 3}}, {Shape: []int{4, 2}, Lo: 0, Hi: 3, Type: onnx.Int64}, {Shape: []int{4}}}},
		{Name: "multiplied", Attrs: []onnx.Attr{onnx.String("reduction", "mul")}, In: []Arg{{Shape: []int{5, 3}}, {Shape: []int{3, 1}, Ints: []int64{0, 2, 0}}, {Shape: []int{3, 3}}}, ForwardOnly: true},
		{Name: "into weights", In: []Arg{{Shape: []int{4, 2}, Shared: true}, {Shape: []int{1, 2, 1}, Ints: []int64{3, 0}}, {Shape: []int{1, 2, 2}}}},
		{Name: "a sum of samples", Attrs: []onnx.Attr{onnx.String("reduction", "add")}, In: []Arg{{Shape: []int{3, 2}, Shared: true}, {Shape: []int{5, 1}, Lo: 0, Hi: 3, Type: onnx.Int64, Batched: true}, {Shape: []int{5, 2}, Batched: true}}},
	},
})

func bindScatterND[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(3, 3, 1); err != nil {
		return nil, err
	}
	t, err := n.newTuples(0)
	if err != nil {
		return nil, err
	}
	x, indices := n.In[0].Shape, n.In[1].Shape
	last := len(indices) - 1
	if want := slices.Concat(indices[:last], x[t.len():]); !slices.Equal(want, n.In[2].Shape) {
		return nil, fmt.Errorf("updates of shape %v, wants %v", n.In[2].Shape, want)
	}
	name := n.String("reduction", "none")
	reduce, err := scatterReduction[T](name)
	if err != nil {
		return nil, err
	}
	each := Len(indices[:last])
	k := result[T](n, x, false)
	k.ReadsIn = []int{1}
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		y := f.Out[0]
		copy(y, f.In[0])
		for i := range each {
			o := tupleAt(t, f.In[1][i*t.len():])
			for j, u := range f.In[2][i*t.inner : (i+1)*t.inner] {
				y[o+j] = reduce(y[o+j], u)
			}
		}
	}}
	adds := name == "add"
	if !adds && name != "none" {
		return k, nil
	}
	if !adds {
		k.Scratch = t.block
	}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		dy := f.DOut[0]
		if du := f.DIn[2]; du != nil {
			for i := range each {
				o := tupleAt(t, f.In[1][i*t.len():])
				kernel.Add(du[i*t.inner:(i+1)*t.inner], dy[o:o+t.inner])
			}
		}
		if f.DIn[0] == nil {
			return
		}
		if !adds { // what was written over reaches no output
			kept := f.Scratch[:t.block]
			copy(kept, dy)
			for i := range each {
				o := tupleAt(t, f.In[1][i*t.len():])
				clear(kept[o : o+t.inner])
			}
			dy = kept
		}
		kernel.Add(f.DIn[0], dy)
	}}
	return k, nil
}
