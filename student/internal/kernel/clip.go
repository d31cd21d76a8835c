// SPDX-License-Identifier: Apache-2.0

package kernel

// Clip sets y to x brought into [lo, hi], element by element of y. NaN stays.
func Clip[T Float](y, x []T, lo, hi T) {
	x = x[:len(y)]
	n := blocksOf(y)
	if n > 0 {
		vectors.clip(n, first(y), first(x), float32(lo), float32(hi))
	}
	for i := n * vectorBlock; i < len(y); i++ {
		y[i] = min(max(x[i], lo), hi)
	}
}

// Between sets dx to dy where lo < y < hi, and elsewhere to zero.
func Between[T Float](dx, dy, y []T, lo, hi T) {
	dy, y = dy[:len(dx)], y[:len(dx)]
	n := blocksOf(dx)
	if n > 0 {
		vectors.between(n, first(dx), first(dy), first(y), float32(lo), float32(hi))
	}
	for i := n * vectorBlock; i < len(dx); i++ {
		dx[i] = within(dy[i], y[i], lo, hi)
	}
}

// AddBetween adds dy to dx where lo < y < hi.
func AddBetween[T Float](dx, dy, y []T, lo, hi T) {
	dy, y = dy[:len(dx)], y[:len(dx)]
	n := blocksOf(dx)
	if n > 0 {
		vectors.addBetween(n, first(dx), first(dy), first(y), float32(lo), float32(hi))
	}
	for i := n * vectorBlock; i < len(dx); i++ {
		dx[i] += within(dy[i], y[i], lo, hi)
	}
}

// within is d where lo < y < hi, and else zero.
func within[T Float](d, y, lo, hi T) T {
	if y > lo && y < hi {
		return d
	}
	return 0
}

// ClipGrad adds dy to dx wherever x is within [low, high].
func ClipGrad[T Float](dx, dy, x []T, low, high T) {
	dy, x = dy[:len(dx)], x[:len(dx)]
	n := blocksOf(dx)
	if n > 0 {
		vectors.clipGrad(n, first(dx), first(dy), first(x), float32(low), float32(high))
	}
	for i := n * vectorBlock; i < len(dx); i++ {
		d := dy[i]
		if x[i] < low || x[i] > high {
			d = 0
		}
		dx[i] += d
	}
}
