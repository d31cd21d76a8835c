// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// EyeLike is a matrix of its input's shape with ones on the k-th diagonal above the
// main one and zeros elsewhere.
//
// https://onnx.ai/onnx/operators/onnx__EyeLike.html
// Since opset 9; 22 only added types.
var _ = register(Op{
	Name: "EyeLike", Since: 9, Stops: true,
	Bind32: bindEyeLike[float32], Bind64: bindEyeLike[float64],
	Cases: []Case{
		{Name: "square", In: []Arg{{Shape: []int{3, 3}, Shared: true}}, ForwardOnly: true},
		{Name: "oldest opset", Opset: 9, In: []Arg{{Shape: []int{3, 3}, Shared: true}}, ForwardOnly: true},
		{Name: "above", Attrs: []onnx.Attr{onnx.Int("k", 2)}, In: []Arg{{Shape: []int{3, 4}, Shared: true}}, ForwardOnly: true},
		{Name: "below, integers", Attrs: []onnx.Attr{onnx.Int("k", -1), onnx.Int("dtype", int64(onnx.Int64))}, In: []Arg{{Shape: []int{5, 3}}}, ForwardOnly: true},
	},
})

func bindEyeLike[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(1, 1, 1); err != nil {
		return nil, err
	}
	shape := n.In[0].Shape
	if len(shape) != 2 {
		return nil, fmt.Errorf("input of shape %v, wants a matrix", shape)
	}
	typ := onnx.DataType(n.Int("dtype", int64(n.In[0].Type)))
	v := make([]float32, Len(shape))
	k := n.Int("k", 0)
	for i := range shape[0] {
		if j := int64(i) + k; j >= 0 && j < int64(shape[1]) {
			v[i*shape[1]+int(j)] = 1
		}
	}
	return known[T](onnx.NewFloat32("", dims64(shape), v), typ)
}
