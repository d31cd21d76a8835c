// SPDX-License-Identifier: Apache-2.0

package kernel

// The loops in this file go over matrices x[rows, C], row after row, whose columns
// have coefficients or sums of their own. Narrow rows are taken several at a time:
// coefficients and sums are then Repeat(C) copies beside each other, and the last of
// the wide rows may be a part of one.

// rowsCall is what the loops in vectors take: y is written, x, d and out are read
// beside it; the others are rows of coefficients and sums.
type rowsCall struct {
	y, x, d, out  *float32
	a, b, p, q, s *float32
	rows, cols    int
	lo, hi        float32
	add           int
	left          int // elements behind those of this call
}

// over begins to walk n elements in rows of some columns.
func (c *rowsCall) over(n, cols int) { c.left, c.cols = n, cols }

// next moves to the next call: all full rows, then what is left of one.
func (c *rowsCall) next() bool {
	if c.left == 0 {
		return false
	}
	if done := c.rows * c.cols; done > 0 {
		for _, p := range []**float32{&c.y, &c.x, &c.d, &c.out} {
			if *p != nil {
				*p = shift(*p, done)
			}
		}
	}
	if c.rows = c.left / c.cols; c.rows == 0 {
		c.rows, c.cols = 1, c.left
	}
	c.left -= c.rows * c.cols
	return true
}

// Repeat is how many rows of some columns the loops over rows take at once: so many
// that they fill whole vectors.
func Repeat(columns int) int {
	const lanes, least, most = 16, 64, 4096
	for n := 1; n*columns <= most; n++ {
		if n*columns%lanes == 0 && n*columns >= least {
			return n
		}
	}
	return 1
}

// Tile fills a with copies of its first n elements.
func Tile[T Float](a []T, n int) {
	for i := n; i < len(a); i *= 2 {
		copy(a[i:], a[:i])
	}
}

// SumRows adds to sum[C] the rows of x.
func SumRows[T Float](sum, x []T) {
	cols := len(sum)
	if lastVectors[T]() && cols > 0 {
		c := rowsCall{x: first(x), q: first(sum)}
		for c.over(len(x), cols); c.next(); {
			callSumRows(&c)
		}
		return
	}
	for ; len(x) > 0; x = x[min(cols, len(x)):] {
		for i, v := range x[:min(cols, len(x))] {
			sum[i] += v
		}
	}
}

// Moments adds to s1[C] the rows of x minus shift[C], and to s2[C] the squares of
// that.
func Moments[T Float](s1, s2, x, shift []T) {
	cols := len(s1)
	if lastVectors[T]() {
		c := rowsCall{x: first(x), p: first(shift), q: first(s1), s: first(s2)}
		for c.over(len(x), cols); c.next(); {
			callMoments(&c)
		}
		return
	}
	for ; len(x) > 0; x = x[min(cols, len(x)):] {
		for i, v := range x[:min(cols, len(x))] {
			v -= shift[i]
			s1[i] += v
			s2[i] += T(v * v)
		}
	}
}

// Affine sets y to a[C]*x + b[C], plus d unless that is nil, and brings it into
// [lo, hi]. NaN stays.
func Affine[T Float](y, x, d, a, b []T, lo, hi T) {
	cols := len(a)
	if lastVectors[T]() {
		c := rowsCall{y: first(y), x: first(x), a: first(a), b: first(b), lo: float32(lo), hi: float32(hi)}
		if d != nil {
			c.d = first(d)
		}
		for c.over(len(y), cols); c.next(); {
			if d != nil {
				callAffineResidual(&c)
			} else {
				callAffine(&c)
			}
		}
		return
	}
	for i, v := range x {
		z := T(a[i%cols]*v) + b[i%cols]
		if d != nil {
			z += d[i]
		}
		y[i] = min(max(z, lo), hi)
	}
}

// Passed says how the loops over gradients know whether an activation, which brings
// its input into [Lo, Hi], lets a gradient pass: it does where the input is strictly
// between.
type Passed[T Float] struct {
	Lo, Hi T
	// A and B give the input again, as A[C]*x + B[C]. Where they are nil, Out is the
	// activation's output; where that is nil too, all passes.
	A, B, Out []T
}

// call prepares what the loops in vectors need.
func (p *Passed[T]) call(c *rowsCall) {
	c.lo, c.hi = float32(p.Lo), float32(p.Hi)
	switch {
	case p.A != nil:
		c.a, c.b = first(p.A), first(p.B)
	case p.Out != nil:
		c.out = first(p.Out)
	}
}

// gradient is d where element i, beside x in column j, lets it pass, and else zero.
func (p *Passed[T]) gradient(i, j int, x, d T) T {
	var z T
	switch {
	case p.A != nil:
		z = T(p.A[j]*x) + p.B[j]
	case p.Out != nil:
		z = p.Out[i]
	default:
		return d
	}
	if z > p.Lo && z < p.Hi {
		return d
	}
	return 0
}

// GradSums adds to s1[C] the rows of the gradient d as far as it passes, and to s2[C]
// those of its product with x - mean[C].
func GradSums[T Float](s1, s2, d, x, mean []T, p Passed[T]) {
	cols := len(s1)
	if lastVectors[T]() {
		c := rowsCall{x: first(x), d: first(d), p: first(mean), q: first(s1), s: first(s2)}
		p.call(&c)
		for c.over(len(x), cols); c.next(); {
			switch {
			case p.A != nil:
				callGradSumsIn(&c)
			case p.Out != nil:
				callGradSumsOut(&c)
			default:
				callGradSums(&c)
			}
		}
		return
	}
	for i, v := range x {
		j := i % cols
		g := p.gradient(i, j, v, d[i])
		s1[j] += g
		s2[j] += T(g * (v - mean[j]))
	}
}

// GradData sets dx, or adds to it, a[C] times the gradient d as far as it passes, plus
// b[C]*x + o[C].
func GradData[T Float](dx, d, x, a, b, o []T, p Passed[T], add bool) {
	cols := len(a)
	if lastVectors[T]() {
		c := rowsCall{y: first(dx), x: first(x), d: first(d), p: first(a), q: first(b), s: first(o)}
		p.call(&c)
		if add {
			c.add = 1
		}
		for c.over(len(x), cols); c.next(); {
			switch {
			case p.A != nil:
				callGradDataIn(&c)
			case p.Out != nil:
				callGradDataOut(&c)
			default:
				callGradData(&c)
			}
		}
		return
	}
	for i, v := range x {
		j := i % cols
		g := T(a[j]*p.gradient(i, j, v, d[i])) + (T(b[j]*v) + o[j])
		if add {
			g += dx[i]
		}
		dx[i] = g
	}
}
