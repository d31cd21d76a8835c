// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Relu: Y = max(X, 0). Its gradient at zero is zero.
//
// https://onnx.ai/onnx/operators/onnx__Relu.html
// Opset 6 dropped consumed_inputs; 13 and 14 only added types.
var _ = register(Op{
	Name: "Relu", Since: 6,
	Bind32: bindRelu[float32], Bind64: bindRelu[float64],
	Cases: unaryCases(6, Arg{Avoid: []float64{0}}),
})

func bindRelu[T kernel.Float](n *Node) (*Kernel[T], error) {
	return unary[T]{
		fwd:   kernel.Relu[T],
		bwd:   func(dx, dy, _, y []T) { kernel.ReluGrad(dx, dy, y) },
		set:   func(dx, dy, _, y []T) { kernel.Between(dx, dy, y, 0, T(math.Inf(1))) },
		readY: true,
	}.plain(n)
}
