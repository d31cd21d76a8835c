// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Acosh: Y = arcosh X. Its gradient is dY / √(X² - 1).
//
// https://onnx.ai/onnx/operators/onnx__Acosh.html
// Since opset 9; 22 only added types.
var _ = register(Op{
	Name: "Acosh", Since: 9,
	Bind32: bindAcosh[float32], Bind64: bindAcosh[float64],
	Cases: unaryCases(9, Arg{Lo: 1.2, Hi: 4}),
})

func bindAcosh[T kernel.Float](n *Node) (*Kernel[T], error) {
	return pointwise[T](n, math.Acosh, func(x float64) float64 { return 1 / math.Sqrt(x*x-1) })
}
