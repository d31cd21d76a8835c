// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Cosh: Y = cosh X. Its gradient is dY * sinh X.
//
// https://onnx.ai/onnx/operators/onnx__Cosh.html
// Since opset 9; 22 only added types.
var _ = register(Op{
	Name: "Cosh", Since: 9,
	Bind32: bindCosh[float32], Bind64: bindCosh[float64],
	Cases: unaryCases(9, Arg{Lo: -3, Hi: 3}),
})

func bindCosh[T kernel.Float](n *Node) (*Kernel[T], error) {
	return pointwise[T](n, math.Cosh, math.Sinh)
}
