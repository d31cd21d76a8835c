// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Atan: Y = arctan X. Its gradient is dY / (1 + X²).
//
// https://onnx.ai/onnx/operators/onnx__Atan.html
// Since opset 7; 22 only added types.
var _ = register(Op{
	Name: "Atan", Since: 7,
	Bind32: bindAtan[float32], Bind64: bindAtan[float64],
	Cases: unaryCases(7, Arg{Lo: -3, Hi: 3}),
})

func bindAtan[T kernel.Float](n *Node) (*Kernel[T], error) {
	return pointwise[T](n, math.Atan, func(x float64) float64 { return 1 / (1 + x*x) })
}
