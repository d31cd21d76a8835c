// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// Xor: C = whether one of A and B alone holds, with broadcasting, as one or zero. No gradient
// passes.
//
// https://onnx.ai/onnx/operators/onnx__Xor.html
// Opset 7 brought numpy's broadcasting.
var _ = register(Op{
	Name: "Xor", Since: 7, Stops: true,
	Bind32: bindXor[float32], Bind64: bindXor[float64],
	Cases: logicCases(),
})

func bindXor[T kernel.Float](n *Node) (*Kernel[T], error) {
	return compare(n, func(a, b T) bool { return (a != 0) != (b != 0) })
}
