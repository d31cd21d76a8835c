// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Min: Y = the smallest of one or more operands, with broadcasting. Where several are
// the smallest, the first of them takes the gradient. A NaN wins.
//
// https://onnx.ai/onnx/operators/onnx__Min.html
// Opset 6 dropped consumed_inputs, 8 brought numpy's broadcasting; 12 and 13 only added types.
var _ = register(Op{
	Name: "Min", Since: 6,
	Bind32: bindMin[float32], Bind64: bindMin[float64],
	Cases: append(variadicCases(6),
		Case{Name: "integers", In: []Arg{{Shape: []int{5, 3}, Lo: -4, Hi: 4, Type: onnx.Int64}, {Shape: []int{3}, Ints: []int64{-1, 0, 2}}}, ForwardOnly: true}),
})

func bindMin[T kernel.Float](n *Node) (*Kernel[T], error) {
	return bindExtreme(n, func(a, b T) T { return min(a, b) })
}
