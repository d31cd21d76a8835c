// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Log: Y = ln X.
//
// https://onnx.ai/onnx/operators/onnx__Log.html
// Opset 6 dropped consumed_inputs; 13 only added types.
var _ = register(Op{
	Name: "Log", Since: 6,
	Bind32: bindLog[float32], Bind64: bindLog[float64],
	Cases: unaryCases(6, Arg{Lo: 0.5, Hi: 3}),
})

func bindLog[T kernel.Float](n *Node) (*Kernel[T], error) {
	return unary[T]{
		fwd: func(y, x []T) {
			for i, v := range x {
				y[i] = T(math.Log(float64(v)))
			}
		},
		bwd: func(dx, dy, x, y []T) {
			for i, d := range dy {
				dx[i] += d / x[i]
			}
		},
		readX: true,
	}.plain(n)
}
