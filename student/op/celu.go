// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Celu: Y = X where X >= 0, else alpha * (e^(X / alpha) - 1).
//
// https://arxiv.org/abs/1704.07483 and
// https://onnx.ai/onnx/operators/onnx__Celu.html
// Since opset 12.
var _ = register(Op{
	Name: "Celu", Since: 12,
	Bind32: bindCelu[float32], Bind64: bindCelu[float64],
	Cases: append(unaryCases(12, Arg{Lo: -3, Hi: 3, Avoid: []float64{0}}),
		Case{Name: "alpha", Attrs: []onnx.Attr{onnx.Float("alpha", 0.3)}, In: []Arg{{Shape: []int{5, 7}, Lo: -3, Hi: 3, Avoid: []float64{0}}}}),
})

func bindCelu[T kernel.Float](n *Node) (*Kernel[T], error) {
	alpha := T(n.Float("alpha", 1))
	if alpha == 0 {
		return nil, fmt.Errorf("alpha is 0")
	}
	return exponentialUnit[T]{above: 1, below: alpha, rate: 1 / alpha}.unary().plain(n)
}
