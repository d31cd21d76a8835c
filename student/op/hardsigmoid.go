// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// HardSigmoid: Y = max(0, min(1, alpha*X + beta)). Its gradient is
// alpha*dY where the line is strictly between the bounds.
//
// https://onnx.ai/onnx/operators/onnx__HardSigmoid.html
// Opset 6 dropped consumed_inputs; 22 only added types.
var _ = register(Op{
	Name: "HardSigmoid", Since: 6,
	Bind32: bindHardSigmoid[float32], Bind64: bindHardSigmoid[float64],
	Cases: append(unaryCases(6, Arg{Lo: -4, Hi: 4, Avoid: []float64{-2.5, 2.5}}),
		Case{Name: "slope", Attrs: []onnx.Attr{onnx.Float("alpha", 0.5), onnx.Float("beta", 0.25)},
			In: []Arg{{Shape: []int{5, 7}, Lo: -2, Hi: 3, Avoid: []float64{-0.5, 1.5}}}}),
})

func bindHardSigmoid[T kernel.Float](n *Node) (*Kernel[T], error) {
	alpha, beta := T(n.Float("alpha", 0.2)), T(n.Float("beta", 0.5))
	return unary[T]{
		fwd:   func(y, x []T) { kernel.HardSigmoid(y, x, alpha, beta) },
		bwd:   func(dx, dy, x, _ []T) { kernel.HardSigmoidGrad(dx, dy, x, alpha, beta) },
		readX: true,
	}.plain(n)
}
