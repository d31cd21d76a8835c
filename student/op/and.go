// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// And: C = whether both A and B hold, with broadcasting, as one or zero. No gradient
// passes.
//
// https://onnx.ai/onnx/operators/onnx__And.html
// Opset 7 brought numpy's broadcasting.
var _ = register(Op{
	Name: "And", Since: 7, Stops: true,
	Bind32: bindAnd[float32], Bind64: bindAnd[float64],
	Cases: logicCases(),
})

func bindAnd[T kernel.Float](n *Node) (*Kernel[T], error) {
	return compare(n, func(a, b T) bool { return a != 0 && b != 0 })
}
