// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Shrink: Y = X + bias where X < -lambd, X - bias where X > lambd, else 0. Its
// gradient is dY outside [-lambd, lambd].
//
// https://onnx.ai/onnx/operators/onnx__Shrink.html
// Since opset 9.
var _ = register(Op{
	Name: "Shrink", Since: 9,
	Bind32: bindShrink[float32], Bind64: bindShrink[float64],
	Cases: append(unaryCases(9, Arg{Lo: -2, Hi: 2, Avoid: []float64{-0.5, 0.5}}),
		Case{Name: "soft", Attrs: []onnx.Attr{onnx.Float("lambd", 0.8), onnx.Float("bias", 0.8)}, In: []Arg{{Shape: []int{5, 7}, Lo: -2, Hi: 2, Avoid: []float64{-0.8, 0.8}}}}),
})

func bindShrink[T kernel.Float](n *Node) (*Kernel[T], error) {
	lambd, bias := T(n.Float("lambd", 0.5)), T(n.Float("bias", 0))
	slope := [2]T{0, 1}
	return unary[T]{
		fwd: func(y, x []T) {
			for i, v := range x {
				switch {
				case v < -lambd:
					y[i] = v + bias
				case v > lambd:
					y[i] = v - bias
				default:
					y[i] = 0
				}
			}
		},
		bwd: func(dx, dy, x, _ []T) {
			for i, v := range x {
				dx[i] += dy[i] * slope[less(v, -lambd)|less(lambd, v)]
			}
		},
		readX: true,
	}.plain(n)
}
