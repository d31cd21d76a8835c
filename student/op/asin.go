// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Asin: Y = arcsin X. Its gradient is dY / √(1 - X²).
//
// https://onnx.ai/onnx/operators/onnx__Asin.html
// Since opset 7; 22 only added types.
var _ = register(Op{
	Name: "Asin", Since: 7,
	Bind32: bindAsin[float32], Bind64: bindAsin[float64],
	Cases: unaryCases(7, Arg{Lo: -0.9, Hi: 0.9}),
})

func bindAsin[T kernel.Float](n *Node) (*Kernel[T], error) {
	return pointwise[T](n, math.Asin, func(x float64) float64 { return 1 / math.Sqrt(1-x*x) })
}
