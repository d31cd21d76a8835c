// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// IsNaN: Y = whether X is no number, as one or zero. No gradient passes.
//
// https://onnx.ai/onnx/operators/onnx__IsNaN.html
// Since opset 9; 13 and 20 only added types.
var _ = register(Op{
	Name: "IsNaN", Since: 9, Stops: true,
	Bind32: bindIsNaN[float32], Bind64: bindIsNaN[float64],
	Cases: forwardOnly(append(unaryCases(9, Arg{}),
		Case{Name: "no numbers", In: []Arg{{Shape: []int{5}, Shared: true, Floats: []float64{0, math.NaN(), math.Inf(1), math.Inf(-1), 3e38}}}})),
})

func bindIsNaN[T kernel.Float](n *Node) (*Kernel[T], error) {
	return test(n, func(v T) bool { return v != v })
}
