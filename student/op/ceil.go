// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Ceil: Y = the smallest whole number not below X. No gradient passes.
//
// https://onnx.ai/onnx/operators/onnx__Ceil.html
// Opset 6 dropped consumed_inputs; 13 only added types.
var _ = register(Op{
	Name: "Ceil", Since: 6, Stops: true,
	Bind32: bindCeil[float32], Bind64: bindCeil[float64],
	Cases: forwardOnly(unaryCases(6, Arg{Lo: -5, Hi: 5})),
})

func bindCeil[T kernel.Float](n *Node) (*Kernel[T], error) {
	return piecewise[T](n, math.Ceil)
}
