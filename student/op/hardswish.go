// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// HardSwish: Y = X * max(0, min(1, X/6 + 1/2)). Its gradient is zero up to -3,
// dY from 3 on and dY * (X/3 + 1/2) between.
//
// https://onnx.ai/onnx/operators/onnx__HardSwish.html
// Since opset 14; 22 only added types.
var _ = register(Op{
	Name: "HardSwish", Since: 14,
	Bind32: bindHardSwish[float32], Bind64: bindHardSwish[float64],
	Cases: unaryCases(14, Arg{Lo: -5, Hi: 5, Avoid: []float64{-3, 3}}),
})

func bindHardSwish[T kernel.Float](n *Node) (*Kernel[T], error) {
	return unary[T]{
		fwd: func(y, x []T) {
			for i, v := range x {
				y[i] = v * max(0, min(1, v*(1.0/6)+0.5))
			}
		},
		bwd: func(dx, dy, x, _ []T) {
			for i, v := range x {
				slope := [3]T{0, v*(1.0/3) + 0.5, 1}
				dx[i] += dy[i] * slope[less(-3, v)+1-less(v, 3)]
			}
		},
		readX: true,
	}.plain(n)
}
