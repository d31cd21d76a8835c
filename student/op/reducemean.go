// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// ReduceMean is the mean over axes.
//
// https://onnx.ai/onnx/operators/onnx__ReduceMean.html
// Opset 11 allowed negative axes, 13 only added types, 18 made the axes an input
// and brought noop_with_empty_axes.
var _ = register(Op{
	Name: "ReduceMean", Since: 1, Fixed: []int{1},
	Bind32: bindReduceMean[float32], Bind64: bindReduceMean[float64],
	Cases: reduceCases(18, Arg{}),
})

func bindReduceMean[T kernel.Float](n *Node) (*Kernel[T], error) {
	return bindScaledSum[T](n, 18, func(summands int) T { return T(1 / float64(summands)) })
}
