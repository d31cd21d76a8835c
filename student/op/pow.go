// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Pow: Z = X^Y, with broadcasting, of floating-point numbers.
//
//	dX = dZ * Y * X^(Y-1)    dY = dZ * Z * ln X
//
// https://onnx.ai/onnx/operators/onnx__Pow.html
// Opset 7 brought numpy's broadcasting; 12 to 15 allowed the types to differ and
// added some.
var _ = register(Op{
	Name: "Pow", Since: 7,
	Bind32: bindPow[float32], Bind64: bindPow[float64],
	Cases: binaryCases(7, 0.5, 2,
		Case{Name: "square of negatives", In: []Arg{{Shape: []int{5, 4}}, {Floats: []float64{2}, Shape: []int{}}}}),
})

func bindPow[T kernel.Float](n *Node) (*Kernel[T], error) {
	return binary[T]{
		fwd: func(out, a, b []T) {
			if len(b) == 1 && b[0] == 2 && len(a) == len(out) {
				mul(out, a, a)
				return
			}
			for i := range out {
				out[i] = T(math.Pow(float64(at(a, i)), float64(at(b, i))))
			}
		},
		da: func(g, dy, a, b []T) {
			for i, d := range dy {
				x, p := float64(at(a, i)), float64(at(b, i))
				g[i%len(g)] += d * T(p*math.Pow(x, p-1))
			}
		},
		db: func(g, dy, a, b []T) {
			for i, d := range dy {
				x, p := float64(at(a, i)), float64(at(b, i))
				g[i%len(g)] += d * T(math.Pow(x, p)*math.Log(x))
			}
		},
		reads: []int{0, 1},
	}.bind(n)
}
