// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// RNN runs a simple recurrent network over the steps of X, in one direction or both:
//
//	h = tanh(W x + R h + b), or Relu
//
// clip and sequences of different lengths are refused.
//
// https://onnx.ai/onnx/operators/onnx__RNN.html
// Opset 7 dropped output_sequence, 14 brought layout; 22 only added types.
var _ = register(Op{
	Name: "RNN", Since: 7, Fixed: []int{4},
	Bind32: bindRNN[float32], Bind64: bindRNN[float64],
	Cases: append(recurrentCases(1, false),
		Case{Name: "relu", Outputs: 2, Attrs: []onnx.Attr{intAttr("hidden_size", 3), {Name: "activations", Kind: onnx.AttrStrings, Strings: [][]byte{[]byte("Relu")}}},
			In: []Arg{{Shape: []int{4, 5, 2}, Shared: true, Lo: 0.2, Hi: 1}, {Shape: []int{1, 3, 2}, Lo: 0.2, Hi: 1}, {Shape: []int{1, 3, 3}, Lo: 0.1, Hi: 0.5}}}),
})

// rnn has one slot, the sum, which backward turns into its gradient.
type rnn[T kernel.Float] struct{ relu bool }

func bindRNN[T kernel.Float](n *Node) (*Kernel[T], error) {
	relu := n.activations("Relu") == nil && n.Attr("activations") != nil
	if err := n.activations("Tanh"); err != nil && !relu {
		return nil, fmt.Errorf("%w, and so can Relu", err)
	}
	return bindRecurrent(n, &recurrent[T]{cell: rnn[T]{relu}, gates: 1, slots: 1, recurrentB: 1}, 6, 2)
}

func (c rnn[T]) forward(m moment[T]) {
	size := m.hidden
	if m.before != nil {
		kernel.Gemm(false, false, m.n, size, size, 1, m.before, m.ldb, m.turned, m.ldt, 1, m.saved, m.ld)
	}
	for s := range m.n {
		h, sum := m.h[s*m.ldh:][:size], m.saved[s*m.ld:][:size]
		if c.relu {
			kernel.Relu(h, sum)
			continue
		}
		kernel.Tanh(h, sum)
	}
}

func (c rnn[T]) backward(m moment[T], dh, _, _ []T) {
	size := m.hidden
	for s := range m.n {
		h, g := m.h[s*m.ldh:][:size], m.saved[s*m.ld:][:size]
		for j, d := range dh[s*size:][:size] {
			switch {
			case !c.relu:
				g[j] = d * (1 - h[j]*h[j])
			case h[j] > 0:
				g[j] = d
			default:
				g[j] = 0
			}
		}
	}
	kernel.Gemm(false, false, m.n, size, size, 1, m.saved, m.ld, m.r, size, 0, dh, size)
}

func (rnn[T]) weights(dr, before []T, rows int, saved []T, ld int) {
	size := len(before) / rows
	kernel.Gemm(true, false, size, size, rows, 1, saved, ld, before, size, 1, dr, size)
}
