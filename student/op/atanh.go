// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Atanh: Y = artanh X. Its gradient is dY / (1 - X²).
//
// https://onnx.ai/onnx/operators/onnx__Atanh.html
// Since opset 9; 22 only added types.
var _ = register(Op{
	Name: "Atanh", Since: 9,
	Bind32: bindAtanh[float32], Bind64: bindAtanh[float64],
	Cases: unaryCases(9, Arg{Lo: -0.9, Hi: 0.9}),
})

func bindAtanh[T kernel.Float](n *Node) (*Kernel[T], error) {
	return pointwise[T](n, math.Atanh, func(x float64) float64 { return 1 / (1 - x*x) })
}
