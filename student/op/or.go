// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// Or: C = whether A or B holds, with broadcasting, as one or zero. No gradient
// passes.
//
// https://onnx.ai/onnx/operators/onnx__Or.html
// Opset 7 brought numpy's broadcasting.
var _ = register(Op{
	Name: "Or", Since: 7, Stops: true,
	Bind32: bindOr[float32], Bind64: bindOr[float64],
	Cases: logicCases(),
})

func bindOr[T kernel.Float](n *Node) (*Kernel[T], error) {
	return compare(n, func(a, b T) bool { return a != 0 || b != 0 })
}
