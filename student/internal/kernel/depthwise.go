// SPDX-License-Identifier: Apache-2.0

package kernel

// Depthwise convolves one input plane with one kernel: y[w.OutLen()] = bias +
// the correlation of x[w.InLen()] with k[w.Taps()].
func Depthwise[T Float](y, x, k []T, bias T, w *Window) {
	y = y[:w.OutLen()]
	for i := range y {
		y[i] = bias
	}
	w.spans(func(tap, out, in, n, stride int) {
		axpyStrided(y[out:out+n], k[tap], x[in:], stride)
	})
}

// DepthwiseData adds to dx[w.InLen()] the gradient of Depthwise with respect to
// its plane, given the gradient dy of its output.
func DepthwiseData[T Float](dx, dy, k []T, w *Window) {
	w.spans(func(tap, out, in, n, stride int) {
		scatterScaled(dx[in:], stride, k[tap], dy[out:out+n])
	})
}

// DepthwiseWeight adds to dk[w.Taps()] the gradient of Depthwise with respect to
// its kernel.
func DepthwiseWeight[T Float](dk, x, dy []T, w *Window) {
	w.spans(func(tap, out, in, n, stride int) {
		dk[tap] += dotStrided(dy[out:out+n], x[in:], stride)
	})
}

// spans calls visit for every run of n output positions, beginning at out, that
// meets the input at one tap: the inputs begin at in, stride apart.
func (w *Window) spans(visit func(tap, out, in, n, stride int)) {
	z, y, x := w.axes()
	tap := 0
	for tz := 0; tz < z.taps; tz++ {
		zlo, zhi := z.valid(tz)
		for ty := 0; ty < y.taps; ty++ {
			ylo, yhi := y.valid(ty)
			for tx := 0; tx < x.taps; tx++ {
				xlo, xhi := x.valid(tx)
				if xlo < xhi {
					for oz := zlo; oz < zhi; oz++ {
						for oy := ylo; oy < yhi; oy++ {
							out := (oz*y.out+oy)*x.out + xlo
							in := (z.at(oz, tz)*y.in+y.at(oy, ty))*x.in + x.at(xlo, tx)
							visit(tap, out, in, xhi-xlo, x.stride)
						}
					}
				}
				tap++
			}
		}
	}
}

// axpyStrided adds a times every stride-th element of x to y.
func axpyStrided[T Float](y []T, a T, x []T, stride int) {
	if stride == 1 {
		x = x[:len(y)]
		for i, v := range x {
			y[i] += a * v
		}
		return
	}
	for i := range y {
		y[i] += a * x[i*stride]
	}
}

// scatterScaled adds a*src to every stride-th element of dst.
func scatterScaled[T Float](dst []T, stride int, a T, src []T) {
	if stride == 1 {
		dst = dst[:len(src)]
		for i, v := range src {
			dst[i] += a * v
		}
		return
	}
	for i, v := range src {
		dst[i*stride] += a * v
	}
}

// dotStrided is the sum of products of y with every stride-th element of x.
func dotStrided[T Float](y, x []T, stride int) (sum T) {
	if stride == 1 {
		x = x[:len(y)]
		for i, v := range x {
			sum += v * y[i]
		}
		return sum
	}
	for i, v := range y {
		sum += v * x[i*stride]
	}
	return sum
}
