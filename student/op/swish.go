// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Swish: Y = X / (1 + e^(-alpha * X)).
//
//	dX = dY * (s + alpha * X * s * (1 - s)),  s = 1 / (1 + e^(-alpha * X))
//
// https://onnx.ai/onnx/operators/onnx__Swish.html and
// https://arxiv.org/abs/1710.05941
// Since opset 24.
var _ = register(Op{
	Name: "Swish", Since: 24,
	Bind32: bindSwish[float32], Bind64: bindSwish[float64],
	Cases: swishCases(),
})

func bindSwish[T kernel.Float](n *Node) (*Kernel[T], error) {
	alpha := T(n.Float("alpha", 1))
	return unary[T]{
		fwd:   func(y, x []T) { kernel.Swish(y, x, alpha) },
		bwd:   func(dx, dy, x, _ []T) { kernel.SwishGrad(dx, dy, x, alpha) },
		readX: true,
	}.plain(n)
}

func swishCases() []Case {
	cases := append(unaryCases(24, Arg{Lo: -5, Hi: 5}),
		Case{Name: "alpha", Attrs: []onnx.Attr{onnx.Float("alpha", 1.7)}, In: []Arg{{Shape: []int{5, 7}, Lo: -5, Hi: 5}}})
	for i := range cases {
		cases[i].Opset = 24
	}
	return cases
}
