// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Size is the number of elements of its input, which is known as soon as the graph
// is bound to a batch.
//
// https://onnx.ai/onnx/operators/onnx__Size.html
// Since opset 1; others only added types.
var _ = register(Op{
	Name: "Size", Since: 1, Stops: true,
	Bind32: bindSize[float32], Bind64: bindSize[float64],
	Cases: []Case{
		{Name: "images", In: []Arg{{Shape: []int{5, 2, 3}}}, ForwardOnly: true},
		{Name: "oldest opset", Opset: 7, In: []Arg{{Shape: []int{5, 2, 3}}}, ForwardOnly: true},
		{Name: "scalar", In: []Arg{{Shape: []int{}, Shared: true}}, ForwardOnly: true},
	},
})

func bindSize[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(1, 1, 1); err != nil {
		return nil, err
	}
	return known[T](onnx.NewInt64("", nil, []int64{int64(n.In[0].Len())}), onnx.Int64)
}
