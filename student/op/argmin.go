// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// ArgMin is the index, of type int64, of the smallest element along an axis; of several
// the first, or the last with select_last_index. No gradient passes.
//
// https://onnx.ai/onnx/operators/onnx__ArgMin.html
// Opset 11 allowed a negative axis, 12 brought select_last_index, 13 only added types.
var _ = register(Op{
	Name: "ArgMin", Since: 1, Stops: true,
	Bind32: bindArgMin[float32], Bind64: bindArgMin[float64],
	Cases: argCases(),
})

func bindArgMin[T kernel.Float](n *Node) (*Kernel[T], error) {
	return bindArg(n, func(a, b T) bool { return a < b })
}
