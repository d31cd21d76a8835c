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
		fwd:   kernel.HardSwish[T],
		bwd:   func(dx, dy, x, _ []T) { kernel.HardSwishGrad(dx, dy, x) },
		readX: true,
	}.plain(n)
}
