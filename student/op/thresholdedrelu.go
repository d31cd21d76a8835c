// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// ThresholdedRelu: Y = X where X > alpha, else 0. Its gradient is dY there.
//
// https://onnx.ai/onnx/operators/onnx__ThresholdedRelu.html
// Since opset 10; 22 only added types.
var _ = register(Op{
	Name: "ThresholdedRelu", Since: 10,
	Bind32: bindThresholdedRelu[float32], Bind64: bindThresholdedRelu[float64],
	Cases: append(unaryCases(10, Arg{Lo: -1, Hi: 3, Avoid: []float64{1}}),
		Case{Name: "alpha", Attrs: []onnx.Attr{onnx.Float("alpha", -0.5)}, In: []Arg{{Shape: []int{5, 7}, Avoid: []float64{-0.5}}}}),
})

func bindThresholdedRelu[T kernel.Float](n *Node) (*Kernel[T], error) {
	alpha := T(n.Float("alpha", 1))
	slope := [2]T{0, 1}
	return unary[T]{
		fwd: func(y, x []T) {
			for i, v := range x {
				y[i] = 0
				if v > alpha {
					y[i] = v
				}
			}
		},
		bwd: func(dx, dy, x, _ []T) {
			for i, v := range x {
				dx[i] += dy[i] * slope[less(alpha, v)]
			}
		},
		readX: true,
	}.plain(n)
}
