// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// Tanh: Y = tanh X. Its gradient is dY * (1 - Y²).
//
// https://onnx.ai/onnx/operators/onnx__Tanh.html
// Opset 6 dropped consumed_inputs; 13 only added types.
var _ = register(Op{
	Name: "Tanh", Since: 6,
	Bind32: bindTanh[float32], Bind64: bindTanh[float64],
	Cases: unaryCases(6, Arg{Lo: -3, Hi: 3}),
})

func bindTanh[T kernel.Float](n *Node) (*Kernel[T], error) {
	return unary[T]{
		fwd:   kernel.Tanh[T],
		bwd:   func(dx, dy, _, y []T) { kernel.TanhGrad(dx, dy, y) },
		readY: true,
	}.plain(n)
}
