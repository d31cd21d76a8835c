// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Squeeze drops axes of size one: those listed, or all there are.
//
// https://onnx.ai/onnx/operators/onnx__Squeeze.html
// Opset 11 allowed negative axes, 13 made the axes an input, which has to be a
// constant here; others only added types.
var _ = register(Op{
	Name: "Squeeze", Since: 1, Fixed: []int{1},
	Bind32: bindSqueeze[float32], Bind64: bindSqueeze[float64],
	Cases: []Case{
		{Name: "listed", In: []Arg{{Shape: []int{5, 1, 3, 1}}, {Shape: []int{2}, Ints: []int64{-1, 1}}}},
		{Name: "all", In: []Arg{{Shape: []int{5, 1, 3, 1}}}},
		{Name: "axes attribute", Opset: 12, Attrs: []onnx.Attr{onnx.Ints("axes", 1)}, In: []Arg{{Shape: []int{5, 1, 3, 1}}}},
		{Name: "oldest opset", Opset: 7, Attrs: []onnx.Attr{onnx.Ints("axes", 3)}, In: []Arg{{Shape: []int{5, 1, 3, 1}}}},
		{Name: "weights", In: []Arg{{Shape: []int{1, 3}, Shared: true}, {Shape: []int{1}, Ints: []int64{0}}}},
	},
})

func bindSqueeze[T kernel.Float](n *Node) (*Kernel[T], error) {
	list, err := n.axesOperand(false)
	if err != nil {
		return nil, err
	}
	in := n.In[0].Shape
	drop, err := axes(list, len(in))
	if err != nil {
		return nil, err
	}
	shape := []int{}
	for i, d := range in {
		listed := slices.Contains(drop, i)
		if listed && d != 1 {
			return nil, fmt.Errorf("axis %d of shape %v is not of size one", i, in)
		}
		if !listed && (d != 1 || list != nil) {
			shape = append(shape, d)
		}
	}
	return view[T](n, shape), nil
}

// axesOperand reads the axes of Squeeze and Unsqueeze: an attribute before opset
// 13, input 1 from there on. Nil means that none are given.
func (n *Node) axesOperand(needed bool) ([]int64, error) {
	most := 2
	if n.Opset < 13 {
		most = 1
	}
	if err := n.arity(1, most, 1); err != nil {
		return nil, err
	}
	if n.Opset >= 13 && n.Has(1) {
		return n.ints(1, "axes")
	}
	list := n.Ints("axes", nil)
	if n.Opset >= 13 {
		list = nil
	}
	if list == nil && needed {
		return nil, fmt.Errorf("axes are not given")
	}
	return list, nil
}
