// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// ReduceSum is the sum over axes.
//
// https://onnx.ai/onnx/operators/onnx__ReduceSum.html
// Opset 11 allowed negative axes, 13 made the axes an input and brought
// noop_with_empty_axes.
var _ = register(Op{
	Name: "ReduceSum", Since: 1, Fixed: []int{1},
	Bind32: bindReduceSum[float32], Bind64: bindReduceSum[float64],
	Cases: reduceCases(13, Arg{}),
})

func bindReduceSum[T kernel.Float](n *Node) (*Kernel[T], error) {
	return bindScaledSum[T](n, 13, func(int) T { return 1 })
}
