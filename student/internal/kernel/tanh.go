// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"
	"unsafe"
)

// Tanh sets y to the hyperbolic tangent of x, element by element of y. x and y may
// be one slice. In float32 the result is within three units in the last place.
func Tanh[T Float](y, x []T) {
	x = x[:len(y)]
	n := blocksOf(y)
	if n > 0 {
		vectors.tanh(n, first(y), first(x))
	}
	for i := n * vectorBlock; i < len(y); i++ {
		if unsafe.Sizeof(x[i]) == 4 {
			y[i] = T(tanh32(float32(x[i])))
		} else {
			y[i] = T(math.Tanh(float64(x[i])))
		}
	}
}

// tanh32 is 1 - 2/(exp(2|x|)+1) with the sign of x, and for small x the polynomial
// of the Cephes library's tanhf.
func tanh32(x float32) float32 {
	a := abs32(x)
	if 0.625 > a {
		t := float32(a * a)
		p := float32(t*-5.70498872745e-3) + 2.06390887954e-2
		p = float32(p*t) - 5.37397155531e-2
		p = float32(p*t) + 1.33314422036e-1
		p = float32(p*t) - 3.33332819422e-1
		return copySign32(float32(float32(p*t)*a)+a, x)
	}
	return copySign32(1-2/(exp32(a+a)+1), x)
}

// TanhGrad adds dy*(1-y²) to dx, where y is the output of Tanh.
func TanhGrad[T Float](dx, dy, y []T) {
	dy, y = dy[:len(dx)], y[:len(dx)]
	n := blocksOf(dx)
	if n > 0 {
		vectors.tanhGrad(n, first(dx), first(dy), first(y))
	}
	for i := n * vectorBlock; i < len(dx); i++ {
		dx[i] += T(dy[i] * (1 - T(y[i]*y[i])))
	}
}

func abs32(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }

// copySign32 is x, which is not negative, with the sign of y.
func copySign32(x, y float32) float32 {
	return math.Float32frombits(math.Float32bits(x) | math.Float32bits(y)&(1<<31))
}
