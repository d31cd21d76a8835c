// SPDX-License-Identifier: Apache-2.0

package kernel

// Normalize sets y to a*(x-mean) + o, element by element of y.
func Normalize[T Float](y, x []T, mean, a, o T) {
	x = x[:len(y)]
	n := blocksOf(y)
	if n > 0 {
		vectors.normalize(n, first(y), first(x), float32(mean), float32(a), float32(o))
	}
	for i := n * vectorBlock; i < len(y); i++ {
		y[i] = T(a*(x[i]-mean)) + o
	}
}

// NormalizeGrad adds a*(dy - u - v*(x-mean)) to dx, element by element of dx.
func NormalizeGrad[T Float](dx, dy, x []T, mean, a, u, v T) {
	dy, x = dy[:len(dx)], x[:len(dx)]
	n := blocksOf(dx)
	if n > 0 {
		vectors.normalizeGrad(n, first(dx), first(dy), first(x), float32(mean), float32(a), float32(u), float32(v))
	}
	for i := n * vectorBlock; i < len(dx); i++ {
		dx[i] += T(a * (dy[i] - u - T(v*(x[i]-mean))))
	}
}
