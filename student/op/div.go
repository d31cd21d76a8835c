// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Div: C = A / B, with broadcasting. Whole numbers are divided towards zero, and
// no gradient passes.
//
//	dA = dC / B    dB = -dC * A / B²
//
// https://onnx.ai/onnx/operators/onnx__Div.html
// Opset 7 brought numpy's broadcasting; 13 and 14 only added types.
var _ = register(Op{
	Name: "Div", Since: 7,
	Bind32: bindDiv[float32], Bind64: bindDiv[float64],
	Cases: binaryCases(7, 0.5, 2,
		Case{Name: "integers", In: []Arg{{Shape: []int{5, 3}, Lo: -20, Hi: 20, Type: onnx.Int64}, {Shape: []int{3}, Ints: []int64{2, -3, 7}}}, ForwardOnly: true}),
})

func bindDiv[T kernel.Float](n *Node) (*Kernel[T], error) {
	if len(n.In) == 2 && whole(n.In[0]) && whole(n.In[1]) {
		k, err := binary[T]{fwd: divWhole[T]}.bind(n)
		if err != nil {
			return nil, err
		}
		k.Backward = nil
		return k, nil
	}
	if n.integers() {
		return binary[T]{fwd: func(out, a, b []T) {
			for i := range out {
				out[i] = T(math.Trunc(float64(at(a, i)) / float64(at(b, i))))
			}
		}}.bind(n)
	}
	if err := n.floatOnly(); err != nil {
		return nil, err
	}
	return binary[T]{fwd: div[T], da: divGradA[T], db: divGradB[T], reads: []int{0, 1}}.bind(n)
}

// whole says that an operand holds whole numbers.
func whole(o Operand) bool { return o.Type != onnx.Undefined && !o.Type.IsFloat() }

func div[T kernel.Float](out, a, b []T) {
	switch {
	case len(b) != len(out):
		s := b[0]
		for i, v := range a {
			out[i] = v / s
		}
	case len(a) != len(out):
		s := a[0]
		for i, v := range b {
			out[i] = s / v
		}
	default:
		b = b[:len(a)]
		for i, v := range a {
			out[i] = v / b[i]
		}
	}
}

// divWhole divides whole numbers. A quotient of numbers below 2^24 never rounds
// up to the next whole number.
func divWhole[T kernel.Float](out, a, b []T) {
	div(out, a, b)
	for i, v := range out {
		out[i] = T(math.Trunc(float64(v)))
	}
}

func divGradA[T kernel.Float](g, dy, _, b []T) {
	switch {
	case len(b) != len(dy):
		addTo(g, dy, 1/b[0])
	case len(g) != len(dy):
		var s T
		for i, d := range dy {
			s += d / b[i]
		}
		g[0] += s
	default:
		for i, d := range dy {
			g[i] += d / b[i]
		}
	}
}

func divGradB[T kernel.Float](g, dy, a, b []T) {
	switch {
	case len(b) == len(dy):
		for i, d := range dy {
			g[i] -= d * at(a, i) / (b[i] * b[i])
		}
	case len(a) == len(dy):
		g[0] -= T(kernel.Dot(dy, a)) / (b[0] * b[0])
	default:
		g[0] -= T(kernel.Sum(dy)) * a[0] / (b[0] * b[0])
	}
}

// at is element i of a run, or the only one of a run of length 1.
func at[T kernel.Float](x []T, i int) T {
	if len(x) == 1 {
		return x[0]
	}
	return x[i]
}
