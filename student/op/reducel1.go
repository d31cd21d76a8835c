// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// ReduceL1 is the sum of the absolute values over axes. Its gradient at zero is zero.
//
// https://onnx.ai/onnx/operators/onnx__ReduceL1.html
// Opset 11 allowed negative axes, 13 only added types, 18 made the axes an input
// and brought noop_with_empty_axes.
var _ = register(Op{
	Name: "ReduceL1", Since: 1, Fixed: []int{1},
	Bind32: bindReduceL1[float32], Bind64: bindReduceL1[float64],
	Cases: reduceCases(18, Arg{Avoid: []float64{0}}),
})

func bindReduceL1[T kernel.Float](n *Node) (*Kernel[T], error) {
	return reducer[T]{
		take: func(y, x []T) {
			if len(y) == len(x) {
				for i, v := range x {
					y[i] += max(v, -v)
				}
				return
			}
			var s float64
			for _, v := range x {
				s += float64(max(v, -v))
			}
			y[0] += T(s)
		},
		grad: func(dx, dy, x, _ []T) {
			for i, v := range x {
				switch {
				case v > 0:
					dx[i] += at(dy, i)
				case v < 0:
					dx[i] -= at(dy, i)
				}
			}
		},
		readX: true,
	}.bind(n, 18)
}
