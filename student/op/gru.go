// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// GRU runs a gated recurrent unit over the steps of X, in one direction or both:
//
//	z, r = σ(W x + R h + b)
//	n = tanh(W x + b + R (r*h) + b'), or with linear_before_reset
//	n = tanh(W x + b + r*(R h + b'))
//	h = (1-z)*n + z*h
//
// The activations are the default ones. clip and sequences of different lengths are
// refused.
//
// https://onnx.ai/onnx/operators/onnx__GRU.html and https://arxiv.org/abs/1406.1078
// Opset 7 dropped output_sequence, 14 brought layout; 22 only added types.
var _ = register(Op{
	Name: "GRU", Since: 7, Fixed: []int{4},
	Bind32: bindGRU[float32], Bind64: bindGRU[float64],
	Cases: gruCases(),
})

// gru has the slots z, r, n and q: r*h, or with linear R h + b'.
type gru[T kernel.Float] struct{ linear bool }

func bindGRU[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.activations("Sigmoid", "Tanh"); err != nil {
		return nil, err
	}
	linear := n.Int("linear_before_reset", 0) != 0
	r := &recurrent[T]{cell: gru[T]{linear}, gates: 3, slots: 4, recurrentB: 3}
	if linear {
		r.recurrentB = 2
	}
	return bindRecurrent(n, r, 6, 2)
}

func (c gru[T]) forward(m moment[T]) {
	size := m.hidden
	rn := m.turned[2*size:]
	if m.before != nil {
		kernel.Gemm(false, false, m.n, 2*size, size, 1, m.before, m.ldb, m.turned, m.ldt, 1, m.saved, m.ld)
		if c.linear {
			kernel.Gemm(false, false, m.n, size, size, 1, m.before, m.ldb, rn, m.ldt, 0, m.saved[3*size:], m.ld)
		}
	}
	for s := range m.n {
		row := m.saved[s*m.ld:][:4*size]
		kernel.Sigmoid(row[:2*size], row[:2*size])
		r, n, q := row[size:2*size], row[2*size:3*size], row[3*size:]
		if m.before == nil {
			clear(q)
		}
		if !c.linear {
			if m.before != nil {
				kernel.MulTo(q, r, m.before[s*m.ldb:][:size])
			}
			continue
		}
		if m.biasR != nil {
			kernel.Add(q, m.biasR[2*size:])
		}
		kernel.AddMul(n, r, q)
	}
	if !c.linear && m.before != nil {
		kernel.Gemm(false, false, m.n, size, size, 1, m.saved[3*size:], m.ld, rn, m.ldt, 1, m.saved[2*size:], m.ld)
	}
	for s := range m.n {
		row := m.saved[s*m.ld:][:4*size]
		z, n, h := row[:size], row[2*size:3*size], m.h[s*m.ldh:][:size]
		kernel.Tanh(h, n)
		copy(n, h)
		for j, v := range n {
			h[j] = v - z[j]*v
		}
		if m.before != nil {
			kernel.AddMul(h, z, m.before[s*m.ldb:][:size])
		}
	}
}

func (c gru[T]) backward(m moment[T], dh, _, rest []T) {
	size := m.hidden
	rz, rn := m.r[:2*size*size], m.r[2*size*size:]
	for s := range m.n {
		row := m.saved[s*m.ld:][:4*size]
		z, n := row[:size], row[2*size:3*size]
		d := dh[s*size:][:size]
		for j, g := range d {
			var was T
			if m.before != nil {
				was = m.before[s*m.ldb+j]
			}
			zj := z[j]
			z[j] = g * (was - n[j]) * zj * (1 - zj)
			n[j] = g * (1 - zj) * (1 - n[j]*n[j])
			d[j] = g * zj
		}
	}
	if !c.linear { // of r*h
		kernel.Gemm(false, false, m.n, size, size, 1, m.saved[2*size:], m.ld, rn, size, 0, rest, size)
	}
	for s := range m.n {
		row := m.saved[s*m.ld:][:4*size]
		r, n, q := row[size:2*size], row[2*size:3*size], row[3*size:]
		for j, rj := range r {
			if c.linear {
				r[j] = n[j] * q[j] * rj * (1 - rj)
				q[j] = n[j] * rj
				continue
			}
			e := rest[s*size+j]
			dh[s*size+j] += e * rj
			var was T
			if m.before != nil {
				was = m.before[s*m.ldb+j]
			}
			r[j] = e * was * rj * (1 - rj)
		}
	}
	kernel.Gemm(false, false, m.n, size, 2*size, 1, m.saved, m.ld, rz, size, 1, dh, size)
	if c.linear {
		kernel.Gemm(false, false, m.n, size, size, 1, m.saved[3*size:], m.ld, rn, size, 1, dh, size)
	}
}

func (c gru[T]) weights(dr, before []T, rows int, saved []T, ld int) {
	size := len(before) / rows
	kernel.Gemm(true, false, 2*size, size, rows, 1, saved, ld, before, size, 1, dr, size)
	if c.linear {
		kernel.Gemm(true, false, size, size, rows, 1, saved[3*size:], ld, before, size, 1, dr[2*size*size:], size)
		return
	}
	kernel.Gemm(true, false, size, size, rows, 1, saved[2*size:], ld, saved[3*size:], ld, 1, dr[2*size*size:], size)
}

// gruCases checks both places of the reset gate.
func gruCases() []Case {
	cases := recurrentCases(3, false)
	for _, c := range recurrentCases(3, false) {
		c.Name += ", linear before reset"
		c.Attrs = append(c.Attrs, intAttr("linear_before_reset", 1))
		cases = append(cases, c)
	}
	return cases
}
