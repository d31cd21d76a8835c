// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Elu: Y = X where X >= 0, else alpha * (e^X - 1).
//
// https://arxiv.org/abs/1511.07289 and
// https://onnx.ai/onnx/operators/onnx__Elu.html
// Opset 6 dropped consumed_inputs; 22 only added types.
var _ = register(Op{
	Name: "Elu", Since: 6,
	Bind32: bindElu[float32], Bind64: bindElu[float64],
	Cases: append(unaryCases(6, Arg{Lo: -3, Hi: 3, Avoid: []float64{0}}),
		Case{Name: "alpha", Attrs: []onnx.Attr{onnx.Float("alpha", 0.3)}, In: []Arg{{Shape: []int{5, 7}, Lo: -3, Hi: 3, Avoid: []float64{0}}}},
		Case{Name: "negative alpha", Attrs: []onnx.Attr{onnx.Float("alpha", -0.5)}, In: []Arg{{Shape: []int{5, 7}, Lo: -3, Hi: 3, Avoid: []float64{0}}}}),
})

func bindElu[T kernel.Float](n *Node) (*Kernel[T], error) {
	return exponentialUnit[T]{above: 1, below: T(n.Float("alpha", 1)), rate: 1}.unary().plain(n)
}

// exponentialUnit is above * X where X >= 0, else below * (e^(rate * X) - 1).
type exponentialUnit[T kernel.Float] struct{ above, below, rate T }

func (e exponentialUnit[T]) unary() unary[T] {
	return unary[T]{
		fwd: func(y, x []T) {
			for i, v := range x {
				y[i] = e.rate * min(v, 0)
			}
			kernel.Exp(y, y)
			for i, v := range x {
				if v < 0 {
					y[i] = e.below * (y[i] - 1)
				} else {
					y[i] = e.above * v
				}
			}
		},
		bwd: func(dx, dy, x, y []T) {
			for i, v := range x {
				slope := e.above
				if v < 0 {
					slope = e.rate * (y[i] + e.below)
				}
				dx[i] += dy[i] * slope
			}
		},
		readX: true, readY: true,
	}
}
