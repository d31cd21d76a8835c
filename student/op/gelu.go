// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"math"

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
	value, slope := gelu, geluSlope
	switch a := n.String("approximate", "none"); a {
	case "none":
	case "tanh":
		value, slope = geluTanh, geluTanhSlope
	default:
		return nil, fmt.Errorf("approximate is %q, wants none or tanh", a)
	}
	return pointwise[T](n, value, slope)
}

func gelu(x float64) float64 { return x / 2 * (1 + math.Erf(x/math.Sqrt2)) }

func geluSlope(x float64) float64 {
	return (1+math.Erf(x/math.Sqrt2))/2 + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
}

const geluCube = 0.044715

func geluTanh(x float64) float64 {
	return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+geluCube*x*x*x)))
}

func geluTanhSlope(x float64) float64 {
	t := math.Tanh(math.Sqrt(2/math.Pi) * (x + geluCube*x*x*x))
	return (1+t)/2 + x/2*(1-t*t)*math.Sqrt(2/math.Pi)*(1+3*geluCube*x*x)
}
