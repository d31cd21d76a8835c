// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Flatten makes a matrix: the dimensions before axis become its rows, those from
// axis on its columns.
//
// https://onnx.ai/onnx/operators/onnx__Flatten.html
// Opset 11 allowed a negative axis; others only added types.
var _ = register(Op{
	Name: "Flatten", Since: 1,
	Bind32: bindFlatten[float32], Bind64: bindFlatten[float64],
	Cases: []Case{
		{Name: "images", In: []Arg{{Shape: []int{5, 3, 2, 4}}}},
		{Name: "oldest opset", Opset: 7, In: []Arg{{Shape: []int{5, 3, 2}}}},
		{Name: "axis 2", Attrs: []onnx.Attr{onnx.Int("axis", 2)}, In: []Arg{{Shape: []int{5, 3, 2, 4}}}},
		{Name: "negative axis", Attrs: []onnx.Attr{onnx.Int("axis", -1)}, In: []Arg{{Shape: []int{5, 3, 2, 4}}}},
		{Name: "axis of the rank", Attrs: []onnx.Attr{onnx.Int("axis", 2)}, In: []Arg{{Shape: []int{5, 3}}}},
		{Name: "axis 0", Attrs: []onnx.Attr{onnx.Int("axis", 0)}, In: []Arg{{Shape: []int{5, 3, 2}}}},
		{Name: "weights", In: []Arg{{Shape: []int{3, 2, 2}, Shared: true}}},
	},
})

func bindFlatten[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(1, 1, 1); err != nil {
		return nil, err
	}
	in, at := n.In[0].Shape, n.Int("axis", 1)
	if at < int64(-len(in)) || at > int64(len(in)) {
		return nil, fmt.Errorf("axis %d is outside a tensor of rank %d", at, len(in))
	}
	if at < 0 {
		at += int64(len(in))
	}
	return view[T](n, []int{Len(in[:at]), Len(in[at:])}), nil
}
