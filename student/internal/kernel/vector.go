// SPDX-License-Identifier: Apache-2.0

package kernel

// Fill sets every element of x to a.
func Fill[T Float](x []T, a T) {
	for i := range x {
		x[i] = a
	}
}

// Scal multiplies x by a.
func Scal[T Float](x []T, a T) {
	n := blocksOf(x)
	if n > 0 {
		vectors.scal(n, first(x), float32(a))
	}
	for i := n * vectorBlock; i < len(x); i++ {
		x[i] *= a
	}
}

// Add adds x to y, element by element of y.
func Add[T Float](y, x []T) {
	x = x[:len(y)]
	n := blocksOf(y)
	if n > 0 {
		vectors.add(n, first(y), first(x))
	}
	for i := n * vectorBlock; i < len(y); i++ {
		y[i] += x[i]
	}
}

// Axpy adds a*x to y, element by element of y.
func Axpy[T Float](y []T, a T, x []T) {
	x = x[:len(y)]
	n := blocksOf(y)
	if n > 0 {
		vectors.axpy(n, first(y), first(x), float32(a))
	}
	for i := n * vectorBlock; i < len(y); i++ {
		y[i] += T(a * x[i])
	}
}

// AddTo sets c to a+b, element by element of c.
func AddTo[T Float](c, a, b []T) {
	a, b = a[:len(c)], b[:len(c)]
	n := blocksOf(c)
	if n > 0 {
		vectors.addTo(n, first(c), first(a), first(b))
	}
	for i := n * vectorBlock; i < len(c); i++ {
		c[i] = a[i] + b[i]
	}
}

// MulTo sets c to a*b, element by element of c.
func MulTo[T Float](c, a, b []T) {
	a, b = a[:len(c)], b[:len(c)]
	n := blocksOf(c)
	if n > 0 {
		vectors.mulTo(n, first(c), first(a), first(b))
	}
	for i := n * vectorBlock; i < len(c); i++ {
		c[i] = a[i] * b[i]
	}
}

// AddMul adds a*b to c, element by element of c.
func AddMul[T Float](c, a, b []T) {
	a, b = a[:len(c)], b[:len(c)]
	n := blocksOf(c)
	if n > 0 {
		vectors.addMul(n, first(c), first(a), first(b))
	}
	for i := n * vectorBlock; i < len(c); i++ {
		c[i] += T(a[i] * b[i])
	}
}

// AddScaled sets c to a + s*b, element by element of c.
func AddScaled[T Float](c, a []T, s T, b []T) {
	a, b = a[:len(c)], b[:len(c)]
	n := blocksOf(c)
	if n > 0 {
		vectors.addScaled(n, first(c), first(a), first(b), float32(s))
	}
	for i := n * vectorBlock; i < len(c); i++ {
		c[i] = a[i] + T(s*b[i])
	}
}
