// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Mish: Y = X * tanh(softplus X).
//
//	dX = dY * (t + X * (1 - t²) * σ(X)),  t = tanh(softplus X)
//
// https://onnx.ai/onnx/operators/onnx__Mish.html
// Since opset 18; 22 only added types.
var _ = register(Op{
	Name: "Mish", Since: 18,
	Bind32: bindMish[float32], Bind64: bindMish[float64],
	Cases: unaryCases(18, Arg{Lo: -4, Hi: 4}),
})

func bindMish[T kernel.Float](n *Node) (*Kernel[T], error) {
	return pointwise[T](n, mish, mishSlope)
}

func mish(x float64) float64 { return x * math.Tanh(softplus(x)) }

func mishSlope(x float64) float64 {
	t := math.Tanh(softplus(x))
	return t + x*(1-t*t)/(1+math.Exp(-x))
}
