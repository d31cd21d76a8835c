// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// ReduceLogSum is the logarithm of the sum over axes. Its gradient is dY / e^Y.
//
// https://onnx.ai/onnx/operators/onnx__ReduceLogSum.html
// Opset 11 allowed negative axes, 13 only added types, 18 made the axes an input
// and brought noop_with_empty_axes.
var _ = register(Op{
	Name: "ReduceLogSum", Since: 1, Fixed: []int{1},
	Bind32: bindReduceLogSum[float32], Bind64: bindReduceLogSum[float64],
	Cases: reduceCases(18, Arg{Lo: 0.5, Hi: 2}),
})

func bindReduceLogSum[T kernel.Float](n *Node) (*Kernel[T], error) {
	return reducer[T]{
		take: func(y, x []T) { addTo(y, x, 1) },
		end: func(y []T) {
			for i, v := range y {
				y[i] = T(math.Log(float64(v)))
			}
		},
		grad: func(dx, dy, _, y []T) {
			for i := range dx {
				dx[i] += at(dy, i) * T(math.Exp(-float64(at(y, i))))
			}
		},
		readY: true,
	}.bind(n, 18)
}
