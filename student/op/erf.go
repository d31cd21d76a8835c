// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

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
		fwd:   kernel.Erf[T],
		bwd:   func(dx, dy, x, _ []T) { kernel.ErfGrad(dx, dy, x) },
		readX: true,
	}.plain(n)
}
