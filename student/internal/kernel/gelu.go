// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"
	"unsafe"
)

// Gelu sets y to x*Φ(x), element by element of y, Φ the standard normal
// distribution (Hendrycks and Gimpel 2016, arXiv:1606.08415). x and y may be
// one slice. In float32 Φ is within 4e-7 of its value, of the smaller tail's beyond.
func Gelu[T Float](y, x []T) {
	x = x[:len(y)]
	n := blocksOf(y)
	if n > 0 {
		vectors.gelu(n, first(y), first(x))
	}
	for i := n * vectorBlock; i < len(y); i++ {
		if v := x[i]; unsafe.Sizeof(v) == 4 {
			p, _ := normal32(float32(v))
			y[i] = v * T(p)
		} else {
			y[i] = v / 2 * T(1+math.Erf(float64(v)/math.Sqrt2))
		}
	}
}

// GeluGrad adds dy*(Φ(x) + x*φ(x)) to dx, φ the standard normal density.
func GeluGrad[T Float](dx, dy, x []T) {
	dy, x = dy[:len(dx)], x[:len(dx)]
	n := blocksOf(dx)
	if n > 0 {
		vectors.geluGrad(n, first(dx), first(dy), first(x))
	}
	for i := n * vectorBlock; i < len(dx); i++ {
		if v := x[i]; unsafe.Sizeof(v) == 4 {
			p, e := normal32(float32(v))
			dx[i] += T(dy[i] * (T(p) + T(T(float32(e*0.3989422804014327))*v)))
		} else {
			w := float64(v)
			dx[i] += dy[i] * T((1+math.Erf(w/math.Sqrt2))/2+w*math.Exp(-w*w/2)/math.Sqrt(2*math.Pi))
		}
	}
}

// normal32 is Φ(x) and exp(-x²/2).
func normal32(x float32) (p, e float32) {
	e = exp32(float32(x*x) * -0.5)
	p = float32(tail32(float32(abs32(x)*0.35)) * e)
	if x > 0 {
		p = 1 - p
	}
	return p, e
}

// tail32 is Φ(-x)*exp(x²/2) of t = 0.35x, x not negative. It is a polynomial of
// 1/(1+t) without a constant, as in formula 26.2.17 of Abramowitz and Stegun's
// Handbook of Mathematical Functions, but of the ninth degree: fitted to the least
// relative error between 0 and 14.5, which is 3e-8 before rounding.
func tail32(t float32) float32 {
	q := 1 / (t + 1)
	p := float32(q*-0.029158029705286026) + 0.1440316140651703
	p = float32(p*q) - 0.25584039092063904
	p = float32(p*q) + 0.15932124853134155
	p = float32(p*q) - 0.023213393986225128
	p = float32(p*q) + 0.10555292665958405
	p = float32(p*q) + 0.11982118338346481
	p = float32(p*q) + 0.1398635357618332
	p = float32(p*q) + 0.139621302485466
	return float32(p * q)
}

// The tanh form of Gelu is x times the sigmoid of geluLine*x + geluCube*x³.
const (
	geluLine = 1.5957691216057308 // 2√(2/π)
	geluCube = geluLine * 0.044715
)

// GeluTanh sets y to x/2*(1+tanh(√(2/π)(x+0.044715x³))), element by element of y.
// x and y may be one slice.
func GeluTanh[T Float](y, x []T) {
	x = x[:len(y)]
	n := blocksOf(y)
	if n > 0 {
		vectors.geluTanh(n, first(y), first(x))
	}
	for i := n * vectorBlock; i < len(y); i++ {
		v := x[i]
		u := T((T(T(v*v)*geluCube) + geluLine) * v)
		y[i] = v / (1 + exp(-u))
	}
}

// GeluTanhGrad adds dy times the slope of GeluTanh at x to dx.
func GeluTanhGrad[T Float](dx, dy, x []T) {
	dy, x = dy[:len(dx)], x[:len(dx)]
	n := blocksOf(dx)
	if n > 0 {
		vectors.geluTanhGrad(n, first(dx), first(dy), first(x))
	}
	for i := n * vectorBlock; i < len(dx); i++ {
		v := x[i]
		square := T(v * v)
		u := T((T(square*geluCube) + geluLine) * v)
		s := 1 / (1 + exp(-u))
		slope := T(square*(3*geluCube)) + geluLine
		dx[i] += T(dy[i] * T(s*(T(T((1-s)*slope)*v)+1)))
	}
}
