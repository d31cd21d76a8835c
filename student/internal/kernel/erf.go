// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"
	"unsafe"
)

// Erf sets y to the error function of x, element by element of y. x and y may be
// one slice. In float32 the result is within four units in the last place.
func Erf[T Float](y, x []T) {
	x = x[:len(y)]
	n := blocksOf(y)
	if n > 0 {
		vectors.erf(n, first(y), first(x))
	}
	for i := n * vectorBlock; i < len(y); i++ {
		if unsafe.Sizeof(x[i]) == 4 {
			y[i] = T(erf32(float32(x[i])))
		} else {
			y[i] = T(math.Erf(float64(x[i])))
		}
	}
}

// erf32 is 1 - 2Φ(-√2|x|) with the sign of x, and for small x the polynomial of the
// Cephes library's erff.
func erf32(x float32) float32 {
	const scale = 0.35 * math.Sqrt2
	a := abs32(x)
	t := float32(a * a)
	if 1 > a {
		p := float32(t*7.853861353153693e-5) - 8.010193625184903e-4
		p = float32(p*t) + 5.188327685732524e-3
		p = float32(p*t) - 2.685381193529856e-2
		p = float32(p*t) + 1.128358514861418e-1
		p = float32(p*t) - 3.761262582423300e-1
		p = float32(p*t) + 1.128379165726710
		return copySign32(p*a, x)
	}
	p := float32(tail32(float32(a*scale)) * exp32(0-t))
	return copySign32(1-(p+p), x)
}

// ErfGrad adds dy*2/√π*exp(-x²) to dx.
func ErfGrad[T Float](dx, dy, x []T) {
	dy, x = dy[:len(dx)], x[:len(dx)]
	n := blocksOf(dx)
	if n > 0 {
		vectors.erfGrad(n, first(dx), first(dy), first(x))
	}
	const slope = 2 / 1.7724538509055159
	for i := n * vectorBlock; i < len(dx); i++ {
		dx[i] += T(dy[i] * T(exp(-T(x[i]*x[i]))*slope))
	}
}
