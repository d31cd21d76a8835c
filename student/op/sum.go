// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// Sum: Y = the sum of one or more operands, with broadcasting.
//
// https://onnx.ai/onnx/operators/onnx__Sum.html
// Opset 6 dropped consumed_inputs, 8 brought numpy's broadcasting; 13 only added types.
var _ = register(Op{
	Name: "Sum", Since: 6,
	Bind32: bindSum[float32], Bind64: bindSum[float64],
	Cases: variadicCases(6),
})

func bindSum[T kernel.Float](n *Node) (*Kernel[T], error) {
	return bindTotal[T](n, func(int) T { return 1 })
}
