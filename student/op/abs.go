// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Abs: Y = |X|. Its gradient at zero is zero.
//
// https://onnx.ai/onnx/operators/onnx__Abs.html
// Opset 6 dropped consumed_inputs; 13 only added types.
var _ = register(Op{
	Name: "Abs", Since: 6,
	Bind32: bindAbs[float32], Bind64: bindAbs[float64],
	Cases: unaryCases(6, Arg{Avoid: []float64{0}}),
})

func bindAbs[T kernel.Float](n *Node) (*Kernel[T], error) {
	return unary[T]{
		fwd: func(y, x []T) {
			for i, v := range x {
				y[i] = T(math.Abs(float64(v)))
			}
		},
		bwd: func(dx, dy, x, _ []T) {
			for i, v := range x {
				switch {
				case v > 0:
					dx[i] += dy[i]
				case v < 0:
					dx[i] -= dy[i]
				}
			}
		},
		readX: true,
	}.plain(n)
}
