// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// Equal: C = whether A = B, with broadcasting, as one or zero. No gradient
// passes.
//
// https://onnx.ai/onnx/operators/onnx__Equal.html
// Opset 7 brought numpy's broadcasting; 11, 13 and 19 only added types.
var _ = register(Op{
	Name: "Equal", Since: 7, Stops: true,
	Bind32: bindEqual[float32], Bind64: bindEqual[float64],
	Cases: compareCases(11),
})

func bindEqual[T kernel.Float](n *Node) (*Kernel[T], error) {
	return compare(n, func(a, b T) bool { return a == b })
}
