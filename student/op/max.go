// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Max: Y = the largest of one or more operands, with broadcasting. Where several are
// the largest, the first of them takes the gradient. A NaN wins.
//
// https://onnx.ai/onnx/operators/onnx__Max.html
// Opset 6 dropped consumed_inputs, 8 brought numpy's broadcasting; 12 and 13 only added types.
var _ = register(Op{
	Name: "Max", Since: 6,
	Bind32: bindMax[float32], Bind64: bindMax[float64],
	Cases: append(variadicCases(6),
		Case{Name: "integers", In: []Arg{{Shape: []int{5, 3}, Lo: -4, Hi: 4, Type: onnx.Int64}, {Shape: []int{3}, Ints: []int64{-1, 0, 2}}}, ForwardOnly: true}),
})

func bindMax[T kernel.Float](n *Node) (*Kernel[T], error) {
	return bindExtreme(n, func(a, b T) T { return max(a, b) })
}
