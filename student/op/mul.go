// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// Mul: C = A * B, with broadcasting.
//
// https://onnx.ai/onnx/operators/onnx__Mul.html
// Opset 7 brought numpy's broadcasting; 13 and 14 only added types.
var _ = register(Op{
	Name: "Mul", Since: 7,
	Bind32: bindMul[float32], Bind64: bindMul[float64],
	Cases: binaryCases(7, -1, 1),
})

func bindMul[T kernel.Float](n *Node) (*Kernel[T], error) {
	return binary[T]{
		fwd:   mul[T],
		da:    func(g, dy, _, b []T) { mulGrad(g, dy, b) },
		db:    func(g, dy, a, _ []T) { mulGrad(g, dy, a) },
		reads: []int{0, 1},
	}.bind(n)
}

func mul[T kernel.Float](out, a, b []T) {
	if len(a) != len(out) {
		a, b = b, a
	}
	a = a[:len(out)]
	if len(b) != len(out) {
		s := b[0]
		for i, v := range a {
			out[i] = v * s
		}
		return
	}
	kernel.MulTo(out, a, b)
}

// mulGrad adds dy*other to the gradient of one factor.
func mulGrad[T kernel.Float](g, dy, other []T) {
	switch {
	case len(other) != len(dy):
		addTo(g, dy, other[0])
	case len(g) != len(dy):
		g[0] += T(kernel.Dot(dy, other))
	default:
		kernel.AddMul(g, dy, other)
	}
}
