// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// Neg: Y = -X.
//
// https://onnx.ai/onnx/operators/onnx__Neg.html
// Opset 6 dropped consumed_inputs; 13 only added types.
var _ = register(Op{
	Name: "Neg", Since: 6,
	Bind32: bindNeg[float32], Bind64: bindNeg[float64],
	Cases: unaryCases(6, Arg{}),
})

func bindNeg[T kernel.Float](n *Node) (*Kernel[T], error) {
	return unary[T]{
		fwd: func(y, x []T) {
			for i, v := range x {
				y[i] = -v
			}
		},
		bwd: func(dx, dy, x, y []T) {
			for i, d := range dy {
				dx[i] += -d
			}
		},
	}.plain(n)
}
