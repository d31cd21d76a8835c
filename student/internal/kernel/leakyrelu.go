// SPDX-License-Identifier: Apache-2.0

package kernel

// LeakyRelu sets y to x where that is not negative, else to alpha*x.
func LeakyRelu[T Float](y, x []T, alpha T) {
	x = x[:len(y)]
	n := blocksOf(y)
	if n > 0 {
		vectors.leakyRelu(n, first(y), first(x), float32(alpha))
	}
	for i := n * vectorBlock; i < len(y); i++ {
		v := x[i]
		if v < 0 {
			v *= alpha
		}
		y[i] = v
	}
}

// LeakyReluGrad adds dy to dx, or alpha*dy where x is negative.
func LeakyReluGrad[T Float](dx, dy, x []T, alpha T) {
	dy, x = dy[:len(dx)], x[:len(dx)]
	n := blocksOf(dx)
	if n > 0 {
		vectors.leakyReluGrad(n, first(dx), first(dy), first(x), float32(alpha))
	}
	for i := n * vectorBlock; i < len(dx); i++ {
		d := dy[i]
		if x[i] < 0 {
			d = T(d * alpha)
		}
		dx[i] += d
	}
}
