// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Tan: Y = tan X. Its gradient is dY / cos² X.
//
// https://onnx.ai/onnx/operators/onnx__Tan.html
// Since opset 7; 22 only added types.
var _ = register(Op{
	Name: "Tan", Since: 7,
	Bind32: bindTan[float32], Bind64: bindTan[float64],
	Cases: unaryCases(7, Arg{Lo: -1.2, Hi: 1.2}),
})

func bindTan[T kernel.Float](n *Node) (*Kernel[T], error) {
	return pointwise[T](n, math.Tan, func(x float64) float64 {
		c := math.Cos(x)
		return 1 / (c * c)
	})
}
