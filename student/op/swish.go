// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

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
	alpha := float64(n.Float("alpha", 1))
	return pointwise[T](n,
		func(x float64) float64 { return x / (1 + math.Exp(-alpha*x)) },
		func(x float64) float64 {
			s := 1 / (1 + math.Exp(-alpha*x))
			return s + alpha*x*s*(1-s)
		})
}

func swishCases() []Case {
	cases := append(unaryCases(24, Arg{Lo: -5, Hi: 5}),
		Case{Name: "alpha", Attrs: []onnx.Attr{onnx.Float("alpha", 1.7)}, In: []Arg{{Shape: []int{5, 7}, Lo: -5, Hi: 5}}})
	for i := range cases {
		cases[i].Opset = 24
	}
	return cases
}
