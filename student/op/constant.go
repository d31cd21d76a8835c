// SPDX-License-Identifier: Apache-2.0

package op

import (
	"errors"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Constant is a tensor in an attribute.
//
// https://onnx.ai/onnx/operators/onnx__Constant.html
// Opset 12 brought lists and single numbers beside the tensor; others only added
// types. Strings and sparse tensors are not read.
var _ = register(Op{
	Name: "Constant", Since: 1, Stops: true,
	Bind32: bindConstant[float32], Bind64: bindConstant[float64],
	Cases: []Case{
		{Name: "tensor", Attrs: []onnx.Attr{tensorAttr("value", onnx.NewFloat32("", []int64{2, 1}, []float32{1, 2}))}, ForwardOnly: true},
		{Name: "oldest opset", Opset: 7, Attrs: []onnx.Attr{tensorAttr("value", onnx.NewInt64("", nil, []int64{3}))}, ForwardOnly: true},
		{Name: "number", Attrs: []onnx.Attr{onnx.Float("value_float", 2.5)}, ForwardOnly: true},
		{Name: "numbers", Attrs: []onnx.Attr{{Name: "value_floats", Kind: onnx.AttrFloats, Floats: []float32{2.5, 1}}}, ForwardOnly: true},
		{Name: "integer", Attrs: []onnx.Attr{onnx.Int("value_int", -4)}, ForwardOnly: true},
		{Name: "integers", Attrs: []onnx.Attr{onnx.Ints("value_ints", 4, 5, 6)}, ForwardOnly: true},
	},
})

// tensorAttr is an attribute that holds a tensor.
func tensorAttr(name string, t *onnx.Tensor) onnx.Attr {
	return onnx.Attr{Name: name, Kind: onnx.AttrTensor, T: t}
}

func bindConstant[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(0, 0, 1); err != nil {
		return nil, err
	}
	for i := range n.Attrs {
		switch a := &n.Attrs[i]; a.Name {
		case "value":
			if a.T != nil {
				return known[T](a.T, a.T.Type)
			}
		case "value_float":
			return known[T](onnx.NewFloat32("", nil, []float32{a.F}), onnx.Float32)
		case "value_floats":
			return known[T](onnx.NewFloat32("", []int64{int64(len(a.Floats))}, a.Floats), onnx.Float32)
		case "value_int":
			return known[T](onnx.NewInt64("", nil, []int64{a.I}), onnx.Int64)
		case "value_ints":
			return knownInts[T](a.Ints)
		}
	}
	return nil, errors.New("no attribute holds numbers")
}
