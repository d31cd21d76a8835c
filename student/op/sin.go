// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Sin: Y = sin X. Its gradient is dY * cos X.
//
// https://onnx.ai/onnx/operators/onnx__Sin.html
// Since opset 7; 22 only added types.
var _ = register(Op{
	Name: "Sin", Since: 7,
	Bind32: bindSin[float32], Bind64: bindSin[float64],
	Cases: unaryCases(7, Arg{Lo: -4, Hi: 4}),
})

func bindSin[T kernel.Float](n *Node) (*Kernel[T], error) {
	return pointwise[T](n, math.Sin, math.Cos)
}
