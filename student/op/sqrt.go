// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Sqrt: Y = √X. Its gradient is dY / (2 Y).
//
// https://onnx.ai/onnx/operators/onnx__Sqrt.html
// Opset 6 dropped consumed_inputs; 13 only added types.
var _ = register(Op{
	Name: "Sqrt", Since: 6,
	Bind32: bindSqrt[float32], Bind64: bindSqrt[float64],
	Cases: unaryCases(6, Arg{Lo: 0.5, Hi: 3}),
})

func bindSqrt[T kernel.Float](n *Node) (*Kernel[T], error) {
	return unary[T]{
		fwd: func(y, x []T) {
			for i, v := range x {
				y[i] = T(math.Sqrt(float64(v)))
			}
		},
		bwd: func(dx, dy, x, y []T) {
			for i, d := range dy {
				dx[i] += d / (2 * y[i])
			}
		},
		readY: true,
	}.plain(n)
}
