// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// row is the number of the row of X that holds a step of a sequence.
func (r *recurrent[T]) row(step, seq, n int) int {
	if r.byStep {
		return step*n + seq
	}
	return seq*r.steps + step
}

// atState is where direction d of the first sequence begins in a state, and the
// distance between sequences.
func (r *recurrent[T]) atState(d, n int) (at, ld int) {
	if r.byStep {
		return d * n * r.hidden, r.hidden
	}
	return d * r.hidden, r.dirs * r.hidden
}

// atOut is the same in Y, at a step.
func (r *recurrent[T]) atOut(step, d, n int) (at, ld int) {
	if r.byStep {
		return (step*r.dirs + d) * n * r.hidden, r.hidden
	}
	return (step*r.dirs + d) * r.hidden, r.steps * r.dirs * r.hidden
}

// atSaved is the same in the saved rows.
func (r *recurrent[T]) atSaved(step, d, n int) (at, ld int) {
	width := r.dirs * r.slots * r.hidden
	return r.row(step, 0, n)*width + d*r.slots*r.hidden, (r.row(step, 1, n) - r.row(step, 0, n)) * width
}

// direction is the part of a weight that belongs to direction d.
func direction[T kernel.Float](w []T, d, dirs int) []T {
	per := len(w) / dirs
	return w[d*per : (d+1)*per]
}

// operand is list[i], nil where there is none.
func operand[T kernel.Float](list [][]T, i int) []T {
	if i >= len(list) {
		return nil
	}
	return list[i]
}

// moment describes the i-th step that direction d takes, which is number step of X.
func (r *recurrent[T]) moment(f *Frame[T], d, i, n int) (m moment[T], step int) {
	m = moment[T]{n: n, hidden: r.hidden, r: direction(f.In[2], d, r.dirs)}
	if b := operand(f.In, 3); b != nil {
		m.biasR = direction(b, d, r.dirs)[r.gates*r.hidden:]
	}
	step, before := i, i-1
	if r.reverse[d] {
		step, before = r.steps-1-i, r.steps-i
	}
	at, ld := r.atSaved(step, d, n)
	m.saved, m.ld = f.Saved[at:], ld
	at, m.ldh = r.atOut(step, d, n)
	m.h = f.Out[0][at:]
	if i > 0 {
		at, _ = r.atSaved(before, d, n)
		m.prior = f.Saved[at:]
		at, m.ldb = r.atOut(before, d, n)
		m.before = f.Out[0][at:]
		return m, step
	}
	at, ld = r.atState(d, n)
	if h0 := operand(f.In, 5); h0 != nil {
		m.before, m.ldb = h0[at:], ld
	}
	if c0 := operand(f.In, r.initialC); r.initialC > 0 && c0 != nil {
		m.c0, m.ldc = c0[at:], ld
	}
	return m, step
}

func (r *recurrent[T]) forward(f *Frame[T]) {
	n := r.seqs.of(f.N)
	rows, width, wide := n*r.steps, r.gates*r.hidden, r.dirs*r.slots*r.hidden
	turned, bias := f.Scratch[:r.hidden*r.padded()], f.Scratch[r.hidden*r.padded():][:width]
	for d := range r.dirs {
		var beta T
		if b := operand(f.In, 3); b != nil {
			beta = 1
			b = direction(b, d, r.dirs)
			copy(bias, b)
			kernel.Add(bias[:r.recurrentB*r.hidden], b[width:])
			for i := range rows {
				copy(f.Saved[i*wide+d*r.slots*r.hidden:][:width], bias)
			}
		}
		r.product(false, true, rows, width, r.inputs, 1, f.In[0], r.inputs, direction(f.In[1], d, r.dirs), r.inputs, beta, f.Saved[d*r.slots*r.hidden:], wide)
		turn(turned, r.padded(), direction(f.In[2], d, r.dirs), width, r.hidden)
		for i := range r.steps {
			m, _ := r.moment(f, d, i, n)
			m.turned, m.ldt = turned, r.padded()
			r.cell.forward(m)
			if i < r.steps-1 {
				continue
			}
			at, ld := r.atState(d, n)
			for s := range n {
				if len(f.Out) > 1 {
					copy(f.Out[1][at+s*ld:][:r.hidden], m.h[s*m.ldh:])
				}
				if len(f.Out) > 2 {
					copy(f.Out[2][at+s*ld:][:r.hidden], m.saved[s*m.ld+width:])
				}
			}
		}
	}
}

func (r *recurrent[T]) backward(f *Frame[T]) {
	n := r.seqs.of(f.N)
	rows, width, wide, size := n*r.steps, r.gates*r.hidden, r.dirs*r.slots*r.hidden, n*r.hidden
	dh, dc, rest := f.Scratch[:size], f.Scratch[size:2*size], f.Scratch[2*size:3*size]
	states := f.Scratch[3*size : 3*size+rows*r.hidden]
	for d := range r.dirs {
		clear(dh)
		clear(dc)
		first, ld := r.atState(d, n)
		addRows(dh, operand(f.DOut, 1), n, r.hidden, first, ld)
		addRows(dc, operand(f.DOut, 2), n, r.hidden, first, ld)
		for i := r.steps - 1; i >= 0; i-- {
			m, step := r.moment(f, d, i, n)
			at, ld := r.atOut(step, d, n)
			addRows(dh, f.DOut[0], n, r.hidden, at, ld)
			for s := range n {
				state := states[r.row(step, s, n)*r.hidden:][:r.hidden]
				if m.before == nil {
					clear(state)
					continue
				}
				copy(state, m.before[s*m.ldb:])
			}
			r.cell.backward(m, dh, dc, rest)
		}
		for i, g := range [][]T{dh, dc} {
			to := operand(f.DIn, 5+i)
			if to == nil || i > 0 && r.initialC == 0 {
				continue
			}
			for s := range n {
				kernel.Add(to[first+s*ld:][:r.hidden], g[s*r.hidden:])
			}
		}
		saved := f.Saved[d*r.slots*r.hidden:]
		if dx := f.DIn[0]; dx != nil {
			r.product(false, false, rows, r.inputs, width, 1, saved, wide, direction(f.In[1], d, r.dirs), r.inputs, 1, dx, r.inputs)
		}
		if dw := f.DIn[1]; dw != nil {
			r.product(true, false, width, r.inputs, rows, 1, saved, wide, f.In[0], r.inputs, 1, direction(dw, d, r.dirs), r.inputs)
		}
		if dr := f.DIn[2]; dr != nil {
			r.cell.weights(direction(dr, d, r.dirs), states, rows, saved, wide)
		}
		if db := operand(f.DIn, 3); db != nil {
			// The last gate of a GRU has a recurrent bias of its own, behind the gates.
			all := (r.gates + 1) * r.hidden
			if r.recurrentB == r.gates {
				all = width
			}
			sum := f.Scratch[len(f.Scratch)-r.fixed():][:all]
			clear(sum)
			for i := range rows {
				kernel.Add(sum, saved[i*wide:])
			}
			db = direction(db, d, r.dirs)
			kernel.Add(db[:width], sum)
			kernel.Add(db[width:][:r.recurrentB*r.hidden], sum)
			if all > width {
				kernel.Add(db[width+r.recurrentB*r.hidden:], sum[width:])
			}
		}
	}
}

// turn sets dst, whose rows lie ld apart, to the transpose of src[rows, cols].
func turn[T kernel.Float](dst []T, ld int, src []T, rows, cols int) {
	const tile = 16
	for i0 := 0; i0 < rows; i0 += tile {
		i1 := min(i0+tile, rows)
		for j := range cols {
			d := dst[j*ld+i0 : j*ld+i1]
			for i := range d {
				d[i] = src[(i0+i)*cols+j]
			}
		}
	}
}

// addRows adds n rows of x, from at on and ld apart, to the rows of y. A nil x is
// zero.
func addRows[T kernel.Float](y, x []T, n, width, at, ld int) {
	if x == nil {
		return
	}
	for s := range n {
		kernel.Add(y[s*width:(s+1)*width], x[at+s*ld:])
	}
}
