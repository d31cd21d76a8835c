// SPDX-License-Identifier: Apache-2.0

package kernel

// Sigmoid sets y to 1/(1+exp(-x)), element by element of y; they may be one slice.
func Sigmoid[T Float](y, x []T) {
	x = x[:len(y)]
	n := blocksOf(y)
	if n > 0 {
		vectors.sigmoid(n, first(y), first(x))
	}
	for i := n * vectorBlock; i < len(y); i++ {
		y[i] = 1 / (1 + exp(-x[i]))
	}
}

// SigmoidGrad adds dy*y*(1-y) to dx, where y is the output of Sigmoid.
func SigmoidGrad[T Float](dx, dy, y []T) {
	dy, y = dy[:len(dx)], y[:len(dx)]
	n := blocksOf(dx)
	if n > 0 {
		vectors.sigmoidGrad(n, first(dx), first(dy), first(y))
	}
	for i := n * vectorBlock; i < len(dx); i++ {
		dx[i] += T(dy[i] * y[i] * (1 - y[i]))
	}
}

// Swish sets y to x/(1+exp(-alpha*x)), element by element of y (Ramachandran, Zoph
// and Le 2017, arXiv:1710.05941). x and y may be one slice.
func Swish[T Float](y, x []T, alpha T) {
	x = x[:len(y)]
	n := blocksOf(y)
	if n > 0 {
		vectors.swish(n, first(y), first(x), float32(alpha))
	}
	for i := n * vectorBlock; i < len(y); i++ {
		y[i] = x[i] / (1 + exp(-T(x[i]*alpha)))
	}
}

// SwishGrad adds dy times the slope of Swish at x to dx: with s the sigmoid of
// alpha*x it is s*(1 + alpha*x*(1-s)).
func SwishGrad[T Float](dx, dy, x []T, alpha T) {
	dy, x = dy[:len(dx)], x[:len(dx)]
	n := blocksOf(dx)
	if n > 0 {
		vectors.swishGrad(n, first(dx), first(dy), first(x), float32(alpha))
	}
	for i := n * vectorBlock; i < len(dx); i++ {
		w := T(x[i] * alpha)
		s := 1 / (1 + exp(-w))
		dx[i] += T(dy[i] * T(s*(T((1-s)*w)+1)))
	}
}
