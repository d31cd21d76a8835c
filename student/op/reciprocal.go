// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// Reciprocal: Y = 1 / X. Its gradient is -dY * Y².
//
// https://onnx.ai/onnx/operators/onnx__Reciprocal.html
// Opset 6 dropped consumed_inputs; 13 only added types.
var _ = register(Op{
	Name: "Reciprocal", Since: 6,
	Bind32: bindReciprocal[float32], Bind64: bindReciprocal[float64],
	Cases: unaryCases(6, Arg{Lo: 0.5, Hi: 3}),
})

func bindReciprocal[T kernel.Float](n *Node) (*Kernel[T], error) {
	return unary[T]{
		fwd: func(y, x []T) {
			for i, v := range x {
				y[i] = 1 / v
			}
		},
		bwd: func(dx, dy, _, y []T) {
			for i, v := range y {
				dx[i] -= dy[i] * v * v
			}
		},
		readY: true,
	}.plain(n)
}
