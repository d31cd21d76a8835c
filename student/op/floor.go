// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Floor: Y = the largest whole number not above X. No gradient passes.
//
// https://onnx.ai/onnx/operators/onnx__Floor.html
// Opset 6 dropped consumed_inputs; 13 only added types.
var _ = register(Op{
	Name: "Floor", Since: 6, Stops: true,
	Bind32: bindFloor[float32], Bind64: bindFloor[float64],
	Cases: forwardOnly(unaryCases(6, Arg{Lo: -5, Hi: 5})),
})

func bindFloor[T kernel.Float](n *Node) (*Kernel[T], error) {
	return piecewise[T](n, math.Floor)
}
