// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Erf: Y = erf(X). Its gradient is dY * 2/√π * e^(-X²).
//
// https://onnx.ai/onnx/operators/onnx__Erf.html
// Since opset 9; 13 only added types.
var _ = register(Op{
	Name: "Erf", Since: 9,
	Bind32: bindErf[float32], Bind64: bindErf[float64],
	Cases: unaryCases(9, Arg{Lo: -2, Hi: 2}),
})

func bindErf[T kernel.Float](n *Node) (*Kernel[T], error) {
	return unary[T]{
		fwd: func(y, x []T) {
			for i, v := range x {
				y[i] = T(math.Erf(float64(v)))
			}
		},
		bwd: func(dx, dy, x, y []T) {
			for i, d := range dy {
				dx[i] += d * T(2/math.Sqrt(math.Pi)*math.Exp(-float64(x[i])*float64(x[i])))
			}
		},
		readX: true,
	}.plain(n)
}
