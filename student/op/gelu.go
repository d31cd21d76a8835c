// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Gelu: Y = X * Φ(X), Φ the standard normal distribution; with approximate
// "tanh" Y = X/2 * (1 + tanh(√(2/π) (X + 0.044715 X³))).
//
// https://onnx.ai/onnx/operators/onnx__Gelu.html
// Since opset 20.
var _ = register(Op{
	Name: "Gelu", Since: 20,
	Bind32: bindGelu[float32], Bind64: bindGelu[float64],
	Cases: append(unaryCases(20, Arg{Lo: -3, Hi: 3}),
		Case{Name: "approximate", Attrs: []onnx.Attr{onnx.String("approximate", "tanh")}, In: []Arg{{Shape: []int{5, 7}, Lo: -3, Hi: 3}}}),
})

func bindGelu[T kernel.Float](n *Node) (*Kernel[T], error) {
	e := unary[T]{fwd: kernel.Gelu[T], bwd: func(dx, dy, x, _ []T) { kernel.GeluGrad(dx, dy, x) }, readX: true}
	switch a := n.String("approximate", "none"); a {
	case "none":
	case "tanh":
		e.fwd, e.bwd = kernel.GeluTanh[T], func(dx, dy, x, _ []T) { kernel.GeluTanhGrad(dx, dy, x) }
	default:
		return nil, fmt.Errorf("approximate is %q, wants none or tanh", a)
	}
	return e.plain(n)
}
