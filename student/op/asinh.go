// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Asinh: Y = arsinh X. Its gradient is dY / √(X² + 1).
//
// https://onnx.ai/onnx/operators/onnx__Asinh.html
// Since opset 9; 22 only added types.
var _ = register(Op{
	Name: "Asinh", Since: 9,
	Bind32: bindAsinh[float32], Bind64: bindAsinh[float64],
	Cases: unaryCases(9, Arg{Lo: -3, Hi: 3}),
})

func bindAsinh[T kernel.Float](n *Node) (*Kernel[T], error) {
	return pointwise[T](n, math.Asinh, func(x float64) float64 { return 1 / math.Sqrt(x*x+1) })
}
