// SPDX-License-Identifier: Apache-2.0

package cut

import (
	"gonum.org/v1/gonum/mat"
)

// fit is y = x w + b with w as [in][out].
type fit struct {
	in, out int
	w, b    []float64
}

// dual is the row length above which the normal equations are those of the rows.
const dual = 1536

// fit changes w and b so that they come nearer to x w + b = y on rows: by ridge
// regression on the difference to the weights at hand, which stay where the rows say
// nothing. Every eighth row is held out and chooses the strength; it reports false,
// and leaves everything, where none is better there than the weights at hand.
// Without offset, b is taken to be 0 and stays.
func (f *fit) fit(x, y []float64, rows int, offset bool) bool {
	var train, held []int
	for i := range rows {
		if i%8 == 7 {
			held = append(held, i)
		} else {
			train = append(train, i)
		}
	}
	a, c := f.residuals(x, y, train)
	mx, mr := means(a, offset), means(c, offset)
	center(a, mx)
	center(c, mr)
	ha, hc := f.residuals(x, y, held)
	center(ha, mx)
	center(hc, mr)
	best, chosen := square(hc)*(1-1e-6), (*mat.Dense)(nil)
	// Where only the means differ, the offset alone helps.
	if zero := mat.NewDense(f.in, f.out, nil); offset {
		_, plain := f.residuals(x, y, held)
		if square(hc) < square(plain) {
			chosen = zero
		} else {
			best = square(plain) * (1 - 1e-6)
		}
	}
	solve := solver(a, c)
	for _, strength := range []float64{1e-4, 1e-3, 1e-2, 1e-1, 1} {
		d := solve(strength)
		if d == nil {
			continue
		}
		var e mat.Dense
		e.Mul(ha, d)
		e.Sub(hc, &e)
		if s := square(&e); s < best {
			best, chosen = s, d
		}
	}
	if chosen == nil {
		return false
	}
	for i := range f.in {
		for j := range f.out {
			f.w[i*f.out+j] += chosen.At(i, j)
		}
	}
	if offset {
		for j := range f.out {
			f.b[j] += mr[j]
			for i := range f.in {
				f.b[j] -= mx[i] * chosen.At(i, j)
			}
		}
	}
	return true
}

// residuals are chosen rows of x and of y - x w - b.
func (f *fit) residuals(x, y []float64, idx []int) (a, r *mat.Dense) {
	a, r = mat.NewDense(len(idx), f.in, nil), mat.NewDense(len(idx), f.out, nil)
	for k, i := range idx {
		copy(a.RawRowView(k), x[i*f.in:(i+1)*f.in])
	}
	r.Mul(a, mat.NewDense(f.in, f.out, f.w))
	for k, i := range idx {
		row := r.RawRowView(k)
		for j := range row {
			row[j] = y[i*f.out+j] - row[j] - f.b[j]
		}
	}
	return a, r
}

// solver prepares ridge regressions of c on a: a function of the strength, relative
// to the mean square of a's columns. The solution is nil where it cannot be had.
func solver(a, c *mat.Dense) func(strength float64) *mat.Dense {
	rows, in := a.Dims()
	_, out := c.Dims()
	size := in
	var gram mat.SymDense
	if in > rows {
		size = rows
		gram.SymOuterK(1, a) // a a'
	} else {
		gram.SymOuterK(1, a.T()) // a' a
	}
	var right mat.Dense
	if in <= rows {
		right.Mul(a.T(), c)
	}
	mean := mat.Trace(&gram) / float64(in)
	return func(strength float64) *mat.Dense {
		g := mat.NewSymDense(size, nil)
		g.CopySym(&gram)
		for i := range size {
			g.SetSym(i, i, g.At(i, i)+strength*mean)
		}
		var ch mat.Cholesky
		if mean == 0 || !ch.Factorize(g) {
			return nil
		}
		d := mat.NewDense(in, out, nil)
		if in <= rows {
			if ch.SolveTo(d, &right) != nil {
				return nil
			}
			return d
		}
		var z mat.Dense
		if ch.SolveTo(&z, c) != nil {
			return nil
		}
		d.Mul(a.T(), &z)
		return d
	}
}

// means are the means of columns, zeros where they are not wanted.
func means(a *mat.Dense, wanted bool) []float64 {
	rows, cols := a.Dims()
	m := make([]float64, cols)
	if !wanted {
		return m
	}
	for i := range rows {
		for j, v := range a.RawRowView(i) {
			m[j] += v / float64(rows)
		}
	}
	return m
}

func center(a *mat.Dense, m []float64) {
	rows, _ := a.Dims()
	for i := range rows {
		row := a.RawRowView(i)
		for j := range row {
			row[j] -= m[j]
		}
	}
}

// square is the sum of squares.
func square(a *mat.Dense) float64 {
	n := mat.Norm(a, 2)
	return n * n
}
