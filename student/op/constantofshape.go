// SPDX-License-Identifier: Apache-2.0

package op

import (
	"bytes"
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// ConstantOfShape fills a tensor of a given shape, which has to be a constant here,
// with one value, a float zero where none is given.
//
// https://onnx.ai/onnx/operators/onnx__ConstantOfShape.html
// Since opset 9; others only added types.
var _ = register(Op{
	Name: "ConstantOfShape", Since: 9, Fixed: []int{0}, Stops: true,
	Bind32: bindConstantOfShape[float32], Bind64: bindConstantOfShape[float64],
	Cases: []Case{
		{Name: "zeros", In: []Arg{{Shape: []int{2}, Ints: []int64{2, 3}, Shared: true}}, ForwardOnly: true},
		{Name: "oldest opset", Opset: 9, In: []Arg{{Shape: []int{2}, Ints: []int64{2, 3}, Shared: true}}, ForwardOnly: true},
		{Name: "integers", Attrs: []onnx.Attr{tensorAttr("value", onnx.NewInt64("", []int64{1}, []int64{7}))}, In: []Arg{{Shape: []int{1}, Ints: []int64{4}, Shared: true}}, ForwardOnly: true},
		{Name: "floats", Attrs: []onnx.Attr{tensorAttr("value", onnx.NewFloat32("", []int64{1}, []float32{0.5}))}, In: []Arg{{Shape: []int{0}, Ints: []int64{}, Shared: true}}, ForwardOnly: true},
		{Name: "empty", In: []Arg{{Shape: []int{2}, Ints: []int64{2, 0}, Shared: true}}, ForwardOnly: true},
	},
})

func bindConstantOfShape[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(1, 1, 1); err != nil {
		return nil, err
	}
	shape, err := n.dims(0, "shape")
	if err != nil {
		return nil, err
	}
	value := onnx.NewFloat32("", []int64{1}, []float32{0})
	if a := n.Attr("value"); a != nil && a.T != nil {
		value = a.T
	}
	if value.Len() != 1 || len(value.Data) != value.Type.Size() {
		return nil, fmt.Errorf("value holds %d numbers, wants one", value.Len())
	}
	return known[T](&onnx.Tensor{Type: value.Type, Dims: dims64(shape), Data: bytes.Repeat(value.Data, Len(shape))}, value.Type)
}
