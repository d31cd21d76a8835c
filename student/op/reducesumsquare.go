// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// ReduceSumSquare is the sum of the squares over axes. Its gradient is dY * 2 X.
//
// https://onnx.ai/onnx/operators/onnx__ReduceSumSquare.html
// Opset 11 allowed negative axes, 13 only added types, 18 made the axes an input
// and brought noop_with_empty_axes.
var _ = register(Op{
	Name: "ReduceSumSquare", Since: 1, Fixed: []int{1},
	Bind32: bindReduceSumSquare[float32], Bind64: bindReduceSumSquare[float64],
	Cases: reduceCases(18, Arg{}),
})

func bindReduceSumSquare[T kernel.Float](n *Node) (*Kernel[T], error) {
	return reducer[T]{
		take: addSquares[T],
		grad: func(dx, dy, x, _ []T) {
			for i, v := range x {
				dx[i] += 2 * v * at(dy, i)
			}
		},
		readX: true,
	}.bind(n, 18)
}

func addSquares[T kernel.Float](y, x []T) {
	if len(y) == len(x) {
		kernel.AddMul(y, x, x)
		return
	}
	y[0] += T(kernel.Dot(x, x))
}
