// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// GreaterOrEqual: C = whether A ≥ B, with broadcasting, as one or zero. No gradient
// passes.
//
// https://onnx.ai/onnx/operators/onnx__GreaterOrEqual.html
// Since opset 12; 16 only added types.
var _ = register(Op{
	Name: "GreaterOrEqual", Since: 12, Stops: true,
	Bind32: bindGreaterOrEqual[float32], Bind64: bindGreaterOrEqual[float64],
	Cases: compareCases(12),
})

func bindGreaterOrEqual[T kernel.Float](n *Node) (*Kernel[T], error) {
	return compare(n, func(a, b T) bool { return a >= b })
}
