// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// LSTM runs a long short-term memory over the steps of X, in one direction or both:
//
//	i, o, f = σ(W x + R h + b)    g = tanh(W x + R h + b)
//	c = f*c + i*g                 h = o * tanh(c)
//
// The activations are the default ones. Peepholes, clip, input_forget and sequences
// of different lengths are refused.
//
// https://onnx.ai/onnx/operators/onnx__LSTM.html and
// https://doi.org/10.1162/neco.1997.9.8.1735
// Opset 7 dropped output_sequence, 14 brought layout; 22 only added types.
var _ = register(Op{
	Name: "LSTM", Since: 7, Fixed: []int{4, 7},
	Bind32: bindLSTM[float32], Bind64: bindLSTM[float64],
	Cases: recurrentCases(4, true),
})

// lstm has the slots i, o, f, g, c and tanh(c).
type lstm[T kernel.Float] struct{}

func bindLSTM[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.activations("Sigmoid", "Tanh", "Tanh"); err != nil {
		return nil, err
	}
	return bindRecurrent(n, &recurrent[T]{cell: lstm[T]{}, gates: 4, slots: 6, recurrentB: 4, initialC: 6}, 8, 3)
}

func (lstm[T]) forward(m moment[T]) {
	size := m.hidden
	if m.before != nil {
		kernel.Gemm(false, false, m.n, 4*size, size, 1, m.before, m.ldb, m.turned, m.ldt, 1, m.saved, m.ld)
	}
	for s := range m.n {
		row := m.saved[s*m.ld:][:6*size]
		kernel.Sigmoid(row[:3*size], row[:3*size])
		i, f, g, c, kept := row[:size], row[2*size:][:size], row[3*size:][:size], row[4*size:][:size], row[5*size:]
		kernel.Tanh(kept, g)
		copy(g, kept)
		kernel.MulTo(c, i, g)
		if before := m.cellBefore(s); before != nil {
			kernel.AddMul(c, f, before)
		}
		kernel.Tanh(kept, c)
		kernel.MulTo(m.h[s*m.ldh:][:size], row[size:2*size], kept)
	}
}

// cellBefore is the state of an LSTM's cell before the step, nil for zeros.
func (m *moment[T]) cellBefore(s int) []T {
	switch {
	case m.prior != nil:
		return m.prior[s*m.ld+4*m.hidden:][:m.hidden]
	case m.c0 != nil:
		return m.c0[s*m.ldc:][:m.hidden]
	}
	return nil
}

func (lstm[T]) backward(m moment[T], dh, dc, _ []T) {
	size := m.hidden
	for s := range m.n {
		row := m.saved[s*m.ld:][:6*size]
		i, o, f, g, kept := row[:size], row[size:][:size], row[2*size:][:size], row[3*size:][:size], row[5*size:][:size]
		before := m.cellBefore(s)
		du, dv := dh[s*size:][:size], dc[s*size:][:size]
		for j, d := range du {
			e := dv[j] + d*o[j]*(1-kept[j]*kept[j])
			var was T
			if before != nil {
				was = before[j]
			}
			ij, fj, gj := i[j], f[j], g[j]
			o[j] = d * kept[j] * o[j] * (1 - o[j])
			i[j] = e * gj * ij * (1 - ij)
			f[j] = e * was * fj * (1 - fj)
			g[j] = e * ij * (1 - gj*gj)
			dv[j] = e * fj
		}
	}
	kernel.Gemm(false, false, m.n, size, 4*size, 1, m.saved, m.ld, m.r, size, 0, dh, size)
}

func (lstm[T]) weights(dr, before []T, rows int, saved []T, ld int) {
	hidden := len(before) / rows
	kernel.Gemm(true, false, 4*hidden, hidden, rows, 1, saved, ld, before, hidden, 1, dr, hidden)
}
