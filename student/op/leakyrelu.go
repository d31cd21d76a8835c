// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// LeakyRelu: Y = X where X >= 0, else alpha * X. Its gradient at zero is dY.
//
// https://onnx.ai/onnx/operators/onnx__LeakyRelu.html
// Opset 6 dropped consumed_inputs; 16 only added types.
var _ = register(Op{
	Name: "LeakyRelu", Since: 6,
	Bind32: bindLeakyRelu[float32], Bind64: bindLeakyRelu[float64],
	Cases: append(unaryCases(6, Arg{Avoid: []float64{0}}),
		Case{Name: "alpha", Attrs: []onnx.Attr{onnx.Float("alpha", 0.3)}, In: []Arg{{Shape: []int{5, 7}, Avoid: []float64{0}}}},
		Case{Name: "negative alpha", Attrs: []onnx.Attr{onnx.Float("alpha", -0.5)}, In: []Arg{{Shape: []int{5, 7}, Avoid: []float64{0}}}}),
})

func bindLeakyRelu[T kernel.Float](n *Node) (*Kernel[T], error) {
	alpha := T(n.Float("alpha", 0.01))
	return unary[T]{
		fwd:   func(y, x []T) { kernel.LeakyRelu(y, x, alpha) },
		bwd:   func(dx, dy, x, _ []T) { kernel.LeakyReluGrad(dx, dy, x, alpha) },
		readX: true,
	}.plain(n)
}
