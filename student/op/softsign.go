// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// Softsign: Y = X / (1 + |X|). Its gradient is dY / (1 + |X|)².
//
// https://onnx.ai/onnx/operators/onnx__Softsign.html
// Since opset 1; 22 only added types.
var _ = register(Op{
	Name: "Softsign", Since: 1,
	Bind32: bindSoftsign[float32], Bind64: bindSoftsign[float64],
	Cases: unaryCases(7, Arg{Lo: -3, Hi: 3}),
})

func bindSoftsign[T kernel.Float](n *Node) (*Kernel[T], error) {
	return unary[T]{
		fwd: func(y, x []T) {
			for i, v := range x {
				y[i] = v / (1 + max(v, -v))
			}
		},
		bwd: func(dx, dy, x, _ []T) {
			for i, v := range x {
				d := 1 + max(v, -v)
				dx[i] += dy[i] / (d * d)
			}
		},
		readX: true,
	}.plain(n)
}
