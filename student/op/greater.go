// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// Greater: C = whether A > B, with broadcasting, as one or zero. No gradient
// passes.
//
// https://onnx.ai/onnx/operators/onnx__Greater.html
// Opset 7 brought numpy's broadcasting; 9 and 13 only added types.
var _ = register(Op{
	Name: "Greater", Since: 7, Stops: true,
	Bind32: bindGreater[float32], Bind64: bindGreater[float64],
	Cases: compareCases(7),
})

func bindGreater[T kernel.Float](n *Node) (*Kernel[T], error) {
	return compare(n, func(a, b T) bool { return a > b })
}
