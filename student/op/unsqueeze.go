// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Unsqueeze inserts axes of size one; the axes count in the output.
//
// https://onnx.ai/onnx/operators/onnx__Unsqueeze.html
// Opset 11 allowed negative axes, 13 made the axes an input, which has to be a
// constant here; others only added types.
var _ = register(Op{
	Name: "Unsqueeze", Since: 1, Fixed: []int{1},
	Bind32: bindUnsqueeze[float32], Bind64: bindUnsqueeze[float64],
	Cases: []Case{
		{Name: "two axes", In: []Arg{{Shape: []int{5, 3}}, {Shape: []int{2}, Ints: []int64{-1, 1}}}},
		{Name: "in front of the batch", In: []Arg{{Shape: []int{5, 3}}, {Shape: []int{1}, Ints: []int64{0}}}},
		{Name: "axes attribute", Opset: 12, Attrs: []onnx.Attr{onnx.Ints("axes", 2, 3)}, In: []Arg{{Shape: []int{5, 3}}}},
		{Name: "oldest opset", Opset: 7, Attrs: []onnx.Attr{onnx.Ints("axes", 1)}, In: []Arg{{Shape: []int{5, 3}}}},
		{Name: "weights", In: []Arg{{Shape: []int{3}, Shared: true}, {Shape: []int{1}, Ints: []int64{0}}}},
	},
})

func bindUnsqueeze[T kernel.Float](n *Node) (*Kernel[T], error) {
	list, err := n.axesOperand(true)
	if err != nil {
		return nil, err
	}
	in := n.In[0].Shape
	insert, err := axes(list, len(in)+len(list))
	if err != nil {
		return nil, err
	}
	shape := make([]int, 0, len(in)+len(insert))
	for i := range len(in) + len(insert) {
		if len(insert) > 0 && insert[0] == i {
			shape, insert = append(shape, 1), insert[1:]
			continue
		}
		shape, in = append(shape, in[0]), in[1:]
	}
	return view[T](n, shape), nil
}
