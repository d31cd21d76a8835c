// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// Exp: Y = e^X.
//
// https://onnx.ai/onnx/operators/onnx__Exp.html
// Opset 6 dropped consumed_inputs; 13 only added types.
var _ = register(Op{
	Name: "Exp", Since: 6,
	Bind32: bindExp[float32], Bind64: bindExp[float64],
	Cases: unaryCases(6, Arg{Lo: -2, Hi: 2}),
})

func bindExp[T kernel.Float](n *Node) (*Kernel[T], error) {
	return unary[T]{
		fwd: kernel.Exp[T],
		bwd: func(dx, dy, x, y []T) {
			for i, d := range dy {
				dx[i] += d * y[i]
			}
		},
		readY: true,
	}.plain(n)
}
