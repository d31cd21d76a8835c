// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Sign: Y = 1 where X > 0, -1 where X < 0, else 0. No gradient passes.
//
// https://onnx.ai/onnx/operators/onnx__Sign.html
// Since opset 9; 13 only added types.
var _ = register(Op{
	Name: "Sign", Since: 9, Stops: true,
	Bind32: bindSign[float32], Bind64: bindSign[float64],
	Cases: forwardOnly(append(unaryCases(9, Arg{}),
		Case{Name: "zero", In: []Arg{{Shape: []int{4}, Shared: true, Floats: []float64{-1, 0, 2, 0}}}},
		Case{Name: "integers", In: []Arg{{Shape: []int{5, 4}, Lo: -2, Hi: 3, Type: onnx.Int32}}})),
})

func bindSign[T kernel.Float](n *Node) (*Kernel[T], error) {
	return piecewise[T](n, sign)
}

// sign is x itself where that is zero or no number.
func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x
}
