// SPDX-License-Identifier: Apache-2.0

package kernel

// Relu sets y to the larger of x and zero, element by element of y. NaN stays.
func Relu[T Float](y, x []T) {
	x = x[:len(y)]
	n := blocksOf(y)
	if n > 0 {
		vectors.relu(n, first(y), first(x))
	}
	for i := n * vectorBlock; i < len(y); i++ {
		v := x[i]
		if v < 0 {
			v = 0
		}
		y[i] = v
	}
}

// ReluGrad adds dy to dx wherever y, the output of Relu, is positive.
func ReluGrad[T Float](dx, dy, y []T) {
	dy, y = dy[:len(dx)], y[:len(dx)]
	n := blocksOf(dx)
	if n > 0 {
		vectors.reluGrad(n, first(dx), first(dy), first(y))
	}
	for i := n * vectorBlock; i < len(dx); i++ {
		var d T
		if y[i] > 0 {
			d = dy[i]
		}
		dx[i] += d
	}
}
