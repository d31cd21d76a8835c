// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// Mean: Y = the mean of one or more operands, with broadcasting.
//
// https://onnx.ai/onnx/operators/onnx__Mean.html
// Opset 6 dropped consumed_inputs, 8 brought numpy's broadcasting; 13 only added types.
var _ = register(Op{
	Name: "Mean", Since: 6,
	Bind32: bindMean[float32], Bind64: bindMean[float64],
	Cases: variadicCases(6),
})

func bindMean[T kernel.Float](n *Node) (*Kernel[T], error) {
	return bindTotal[T](n, func(operands int) T { return T(1 / float64(operands)) })
}
