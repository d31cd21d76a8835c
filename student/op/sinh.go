// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Sinh: Y = sinh X. Its gradient is dY * cosh X.
//
// https://onnx.ai/onnx/operators/onnx__Sinh.html
// Since opset 9; 22 only added types.
var _ = register(Op{
	Name: "Sinh", Since: 9,
	Bind32: bindSinh[float32], Bind64: bindSinh[float64],
	Cases: unaryCases(9, Arg{Lo: -3, Hi: 3}),
})

func bindSinh[T kernel.Float](n *Node) (*Kernel[T], error) {
	return pointwise[T](n, math.Sinh, math.Cosh)
}
