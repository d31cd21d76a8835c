// SPDX-License-Identifier: Apache-2.0

package kernel

// HardSigmoid sets y to alpha*x + beta within zero and one, element by element of y.
// NaN stays.
func HardSigmoid[T Float](y, x []T, alpha, beta T) {
	x = x[:len(y)]
	n := blocksOf(y)
	if n > 0 {
		vectors.hardSigmoid(n, first(y), first(x), float32(alpha), float32(beta))
	}
	for i := n * vectorBlock; i < len(y); i++ {
		y[i] = unit(T(alpha*x[i]) + beta)
	}
}

// HardSigmoidGrad adds alpha*dy to dx where HardSigmoid of x is neither zero nor one.
func HardSigmoidGrad[T Float](dx, dy, x []T, alpha, beta T) {
	dy, x = dy[:len(dx)], x[:len(dx)]
	n := blocksOf(dx)
	if n > 0 {
		vectors.hardSigmoidGrad(n, first(dx), first(dy), first(x), float32(alpha), float32(beta))
	}
	for i := n * vectorBlock; i < len(dx); i++ {
		var d T
		if l := T(alpha*x[i]) + beta; l > 0 && l < 1 {
			d = T(dy[i] * alpha)
		}
		dx[i] += d
	}
}

// HardSwish sets y to x*(x/6 + 1/2 within zero and one), element by element of y
// (Howard et al. 2019, arXiv:1905.02244).
func HardSwish[T Float](y, x []T) {
	x = x[:len(y)]
	n := blocksOf(y)
	if n > 0 {
		vectors.hardSwish(n, first(y), first(x))
	}
	for i := n * vectorBlock; i < len(y); i++ {
		y[i] = x[i] * unit(T(x[i]*(1.0/6))+0.5)
	}
}

// HardSwishGrad adds dy times the slope of HardSwish at x to dx: nothing up to -3, x/3
// + 1/2 up to 3, and one beyond.
func HardSwishGrad[T Float](dx, dy, x []T) {
	dy, x = dy[:len(dx)], x[:len(dx)]
	n := blocksOf(dx)
	if n > 0 {
		vectors.hardSwishGrad(n, first(dx), first(dy), first(x))
	}
	for i := n * vectorBlock; i < len(dx); i++ {
		slope := T(1)
		if v := x[i]; v < 3 {
			slope = 0
			if v > -3 {
				slope = T(v*(1.0/3)) + 0.5
			}
		}
		dx[i] += T(dy[i] * slope)
	}
}

// unit is v within zero and one.
func unit[T Float](v T) T {
	if 1 < v {
		v = 1
	}
	if 0 > v {
		v = 0
	}
	return v
}
