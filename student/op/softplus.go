// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Softplus: Y = ln(1 + e^X). Its gradient is dY / (1 + e^-X), which is
// dY * (1 - e^-Y).
//
// https://onnx.ai/onnx/operators/onnx__Softplus.html
// Since opset 1; 22 only added types.
var _ = register(Op{
	Name: "Softplus", Since: 1,
	Bind32: bindSoftplus[float32], Bind64: bindSoftplus[float64],
	Cases: append(unaryCases(7, Arg{Lo: -5, Hi: 5}),
		Case{Name: "large values", In: []Arg{{Shape: []int{5, 3}, Lo: 80, Hi: 120}}}),
})

func bindSoftplus[T kernel.Float](n *Node) (*Kernel[T], error) {
	return unary[T]{
		fwd: func(y, x []T) {
			for i, v := range x {
				y[i] = T(softplus(float64(v)))
			}
		},
		bwd: func(dx, dy, _, y []T) {
			for i, v := range y {
				dx[i] -= dy[i] * T(math.Expm1(-float64(v)))
			}
		},
		readY: true,
	}.plain(n)
}

// softplus is ln(1 + e^x), which is max(x, 0) + ln(1 + e^-|x|) and so overflows
// nowhere.
func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }
