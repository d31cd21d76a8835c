// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// Less: C = whether A < B, with broadcasting, as one or zero. No gradient
// passes.
//
// https://onnx.ai/onnx/operators/onnx__Less.html
// Opset 7 brought numpy's broadcasting; 9 and 13 only added types.
var _ = register(Op{
	Name: "Less", Since: 7, Stops: true,
	Bind32: bindLess[float32], Bind64: bindLess[float64],
	Cases: compareCases(7),
})

func bindLess[T kernel.Float](n *Node) (*Kernel[T], error) {
	return compare(n, func(a, b T) bool { return a < b })
}
