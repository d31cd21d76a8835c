// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Round: Y = the whole number nearest to X, of two the even one. No gradient
// passes.
//
// https://onnx.ai/onnx/operators/onnx__Round.html
// Since opset 11; 22 only added types.
var _ = register(Op{
	Name: "Round", Since: 11, Stops: true,
	Bind32: bindRound[float32], Bind64: bindRound[float64],
	Cases: forwardOnly(append(unaryCases(11, Arg{Lo: -5, Hi: 5}),
		Case{Name: "halves", In: []Arg{{Shape: []int{9}, Shared: true, Floats: []float64{-2.5, -1.5, -0.5, 0, 0.5, 1.5, 2.5, 3.5, 4.5}}}})),
})

func bindRound[T kernel.Float](n *Node) (*Kernel[T], error) {
	return piecewise[T](n, math.RoundToEven)
}
