// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// IsInf: Y = whether X is infinite, as one or zero; detect_positive = 0 and
// detect_negative = 0 leave out one sign. No gradient passes.
//
// https://onnx.ai/onnx/operators/onnx__IsInf.html
// Since opset 10; 20 only added types.
var _ = register(Op{
	Name: "IsInf", Since: 10, Stops: true,
	Bind32: bindIsInf[float32], Bind64: bindIsInf[float64],
	Cases: forwardOnly(append(unaryCases(10, Arg{}),
		Case{Name: "no numbers", In: []Arg{infinite}},
		Case{Name: "positive", Attrs: []onnx.Attr{onnx.Int("detect_negative", 0)}, In: []Arg{infinite}},
		Case{Name: "negative", Attrs: []onnx.Attr{onnx.Int("detect_positive", 0)}, In: []Arg{infinite}},
		Case{Name: "neither", Attrs: []onnx.Attr{onnx.Int("detect_positive", 0), onnx.Int("detect_negative", 0)}, In: []Arg{infinite}})),
})

func bindIsInf[T kernel.Float](n *Node) (*Kernel[T], error) {
	above, below := n.Int("detect_positive", 1) != 0, n.Int("detect_negative", 1) != 0
	return test(n, func(v T) bool {
		return above && math.IsInf(float64(v), 1) || below && math.IsInf(float64(v), -1)
	})
}

// infinite holds infinities and what is none.
var infinite = Arg{Shape: []int{5}, Shared: true, Floats: []float64{0, math.NaN(), math.Inf(1), math.Inf(-1), 3e38}}
