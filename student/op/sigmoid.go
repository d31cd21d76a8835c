// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// Sigmoid: Y = 1 / (1 + e^-X). Its gradient is dY * Y * (1 - Y).
//
// https://onnx.ai/onnx/operators/onnx__Sigmoid.html
// Opset 6 dropped consumed_inputs; 13 only added types.
var _ = register(Op{
	Name: "Sigmoid", Since: 6,
	Bind32: bindSigmoid[float32], Bind64: bindSigmoid[float64],
	Cases: unaryCases(6, Arg{Lo: -5, Hi: 5}),
})

func bindSigmoid[T kernel.Float](n *Node) (*Kernel[T], error) {
	return unary[T]{
		fwd:   kernel.Sigmoid[T],
		bwd:   func(dx, dy, _, y []T) { kernel.SigmoidGrad(dx, dy, y) },
		readY: true,
	}.plain(n)
}
