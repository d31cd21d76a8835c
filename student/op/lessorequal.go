// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// LessOrEqual: C = whether A ≤ B, with broadcasting, as one or zero. No gradient
// passes.
//
// https://onnx.ai/onnx/operators/onnx__LessOrEqual.html
// Since opset 12; 16 only added types.
var _ = register(Op{
	Name: "LessOrEqual", Since: 12, Stops: true,
	Bind32: bindLessOrEqual[float32], Bind64: bindLessOrEqual[float64],
	Cases: compareCases(12),
})

func bindLessOrEqual[T kernel.Float](n *Node) (*Kernel[T], error) {
	return compare(n, func(a, b T) bool { return a <= b })
}
