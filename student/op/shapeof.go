// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Shape lists the dimensions of its input, or those of a range of axes. They are
// known as soon as the graph is bound to a batch: the output is a constant, and the
// first dimension of a batched input is the whole batch's.
//
// https://onnx.ai/onnx/operators/onnx__Shape.html
// Opset 15 brought start and end; others only added types.
var _ = register(Op{
	Name: "Shape", Since: 1, Stops: true,
	Bind32: bindShape[float32], Bind64: bindShape[float64],
	Cases: []Case{
		{Name: "all", In: []Arg{{Shape: []int{5, 2, 3}}}, ForwardOnly: true},
		{Name: "oldest opset", Opset: 7, In: []Arg{{Shape: []int{5, 2, 3}}}, ForwardOnly: true},
		{Name: "range", Attrs: []onnx.Attr{onnx.Int("start", 1), onnx.Int("end", -1)}, In: []Arg{{Shape: []int{5, 2, 3}}}, ForwardOnly: true},
		{Name: "range outside", Attrs: []onnx.Attr{onnx.Int("start", -9), onnx.Int("end", 9)}, In: []Arg{{Shape: []int{5, 2, 3}}}, ForwardOnly: true},
		{Name: "empty range", Attrs: []onnx.Attr{onnx.Int("start", 2), onnx.Int("end", 1)}, In: []Arg{{Shape: []int{5, 2, 3}}}, ForwardOnly: true},
		{Name: "scalar", In: []Arg{{Shape: []int{}, Shared: true}}, ForwardOnly: true},
	},
})

func bindShape[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(1, 1, 1); err != nil {
		return nil, err
	}
	dims := dims64(n.In[0].Shape)
	rank := int64(len(dims))
	clamp := func(v int64) int64 {
		if v < 0 {
			v += rank
		}
		return min(max(v, 0), rank)
	}
	lo, hi := int64(0), rank
	if n.Opset >= 15 {
		lo, hi = clamp(n.Int("start", 0)), clamp(n.Int("end", rank))
	}
	return knownInts[T](dims[lo:max(lo, hi)])
}
