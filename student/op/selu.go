// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Selu: Y = gamma * X where X >= 0, else gamma * alpha * (e^X - 1).
//
// https://arxiv.org/abs/1706.02515 and
// https://onnx.ai/onnx/operators/onnx__Selu.html
// Opset 6 dropped consumed_inputs and gave the defaults more digits; 22 only added
// types.
var _ = register(Op{
	Name: "Selu", Since: 6,
	Bind32: bindSelu[float32], Bind64: bindSelu[float64],
	Cases: append(unaryCases(6, Arg{Lo: -3, Hi: 3, Avoid: []float64{0}}),
		Case{Name: "attributes", Attrs: []onnx.Attr{onnx.Float("alpha", 2), onnx.Float("gamma", 3)}, In: []Arg{{Shape: []int{5, 7}, Lo: -3, Hi: 3, Avoid: []float64{0}}}}),
})

func bindSelu[T kernel.Float](n *Node) (*Kernel[T], error) {
	alpha, gamma := n.Float("alpha", 1.67326319217681884765625), n.Float("gamma", 1.05070102214813232421875)
	return exponentialUnit[T]{above: T(gamma), below: T(gamma) * T(alpha), rate: 1}.unary().plain(n)
}
