// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"
	"unsafe"
)

// Exp sets y to the exponential of x, element by element of y; they may be one
// slice. In float32 the result is within two units in the last place.
func Exp[T Float](y, x []T) {
	x = x[:len(y)]
	n := blocksOf(y)
	if n > 0 {
		vectors.exp(n, first(y), first(x))
	}
	for i := n * vectorBlock; i < len(y); i++ {
		y[i] = exp(x[i])
	}
}

// exp is Exp of one element.
func exp[T Float](x T) T {
	if unsafe.Sizeof(x) == 4 {
		return T(exp32(float32(x)))
	}
	return T(math.Exp(float64(x)))
}

// exp32 takes whole powers of two off its argument and approximates the rest by
// the polynomial of the Cephes library's expf. The power is multiplied in two
// steps, so that results below the smallest normal number are rounded once.
func exp32(x float32) float32 {
	switch {
	case x > 89:
		x = 89
	case x < -104:
		x = -104
	case x != x:
		return x
	}
	// Adding and taking away 1.5*2^23 leaves a multiple of one.
	const whole = 12582912
	n := float32(x*1.44269504088896341) + whole
	n -= whole
	r := x - float32(n*0.693359375)
	r -= float32(n * -2.12194440e-4)
	p := float32(r*1.9875691500e-4) + 1.3981999507e-3
	p = float32(p*r) + 8.3334519073e-3
	p = float32(p*r) + 4.1665795894e-2
	p = float32(p*r) + 1.6666665459e-1
	p = float32(p*r) + 5.0000001201e-1
	p = float32(float32(p*r)*r) + r + 1
	half := int32(n) >> 1
	return p * power2(half) * power2(int32(n)-half)
}

// power2 is two to the power of n, which is that of a normal number.
func power2(n int32) float32 { return math.Float32frombits(uint32(n+127) << 23) }
