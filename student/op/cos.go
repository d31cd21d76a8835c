// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Cos: Y = cos X. Its gradient is -dY * sin X.
//
// https://onnx.ai/onnx/operators/onnx__Cos.html
// Since opset 7; 22 only added types.
var _ = register(Op{
	Name: "Cos", Since: 7,
	Bind32: bindCos[float32], Bind64: bindCos[float64],
	Cases: unaryCases(7, Arg{Lo: -4, Hi: 4}),
})

func bindCos[T kernel.Float](n *Node) (*Kernel[T], error) {
	return pointwise[T](n, math.Cos, func(x float64) float64 { return -math.Sin(x) })
}
