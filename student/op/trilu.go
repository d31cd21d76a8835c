// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Trilu keeps of every matrix the triangle above, or with upper = 0 below, the k-th
// diagonal, itself included, and sets the rest to zero. k has to be a constant
// here.
//
// https://onnx.ai/onnx/operators/onnx__Trilu.html
// Since opset 14.
var _ = register(Op{
	Name: "Trilu", Since: 14, Fixed: []int{1},
	Bind32: bindTrilu[float32], Bind64: bindTrilu[float64],
	Cases: []Case{
		{Name: "upper", In: []Arg{{Shape: []int{5, 3, 4}}}},
		{Name: "oldest opset", Opset: 14, In: []Arg{{Shape: []int{5, 3, 4}}}},
		{Name: "lower", Attrs: []onnx.Attr{onnx.Int("upper", 0)}, In: []Arg{{Shape: []int{5, 2, 4, 3}}}},
		{Name: "above the diagonal", In: []Arg{{Shape: []int{5, 3, 4}}, {Shape: []int{}, Ints: []int64{2}}}},
		{Name: "below the diagonal", Attrs: []onnx.Attr{onnx.Int("upper", 0)}, In: []Arg{{Shape: []int{5, 4, 4}}, {Shape: []int{}, Ints: []int64{-2}}}},
		{Name: "nothing left", In: []Arg{{Shape: []int{5, 2, 2}}, {Shape: []int{}, Ints: []int64{7}}}},
		{Name: "samples as rows", In: []Arg{{Shape: []int{5, 3}}}},
		{Name: "weights", In: []Arg{{Shape: []int{3, 3}, Shared: true}}},
	},
})

func bindTrilu[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(1, 2, 1); err != nil {
		return nil, err
	}
	shape := n.In[0].Shape
	rank := len(shape)
	if rank < 2 {
		return nil, fmt.Errorf("input of shape %v, wants matrices", shape)
	}
	diagonal, err := n.scalar(1, "k", 0)
	if err != nil {
		return nil, err
	}
	rows, cols := shape[rank-2], shape[rank-1]
	upper := n.Int("upper", 1) != 0
	spans := make([][2]int, rows) // what is kept of every row
	for i := range spans {
		at := int(min(max(diagonal+float64(i), -1), float64(cols)))
		spans[i] = [2]int{max(at, 0), cols}
		if !upper {
			spans[i] = [2]int{0, min(at+1, cols)}
		}
	}
	batched := n.In[0].Batched && rank > 2
	matrices := n.count(Len(shape[:rank-2]), batched)
	k := result[T](n, shape, batched)
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		clear(f.Out[0])
		at := 0
		for range matrices.of(f.N) {
			for _, s := range spans {
				copy(f.Out[0][at+s[0]:at+s[1]], f.In[0][at+s[0]:])
				at += cols
			}
		}
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		if f.DIn[0] == nil {
			return
		}
		at := 0
		for range matrices.of(f.N) {
			for _, s := range spans {
				kernel.Add(f.DIn[0][at+s[0]:at+s[1]], f.DOut[0][at+s[0]:at+s[1]])
				at += cols
			}
		}
	}}
	return k, nil
}
