// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// ReduceL2 is the root of the sum of the squares over axes. Its gradient is
// dY * X / Y, and zero where Y is zero.
//
// https://onnx.ai/onnx/operators/onnx__ReduceL2.html
// Opset 11 allowed negative axes, 13 only added types, 18 made the axes an input
// and brought noop_with_empty_axes.
var _ = register(Op{
	Name: "ReduceL2", Since: 1, Fixed: []int{1},
	Bind32: bindReduceL2[float32], Bind64: bindReduceL2[float64],
	Cases: reduceCases(18, Arg{}),
})

func bindReduceL2[T kernel.Float](n *Node) (*Kernel[T], error) {
	return reducer[T]{
		take: addSquares[T],
		end: func(y []T) {
			for i, v := range y {
				y[i] = T(math.Sqrt(float64(v)))
			}
		},
		grad: func(dx, dy, x, y []T) {
			for i, v := range x {
				if norm := at(y, i); norm != 0 {
					dx[i] += at(dy, i) * v / norm
				}
			}
		},
		readX: true, readY: true,
	}.bind(n, 18)
}
