// SPDX-License-Identifier: Apache-2.0

package kernel

// Depthwise convolves one input plane with one kernel: y[w.OutLen()] = bias +
// the correlation of x[w.InLen()] with k[w.Taps()].
func Depthwise[T Float](y, x, k []T, bias T, w *Window) {
	p := padPlane[T](w)
	p.load(p.in, x, p.inside)
	clear(p.out)
	for tap, a := range k[:w.Taps()] {
		Axpy(p.out, a, p.in[p.offset(tap):])
	}
	p.outside.each(func(plane, at, n, step int) {
		for i := range n {
			y[at+i] = p.out[plane+i*step] + bias
		}
	})
	p.free()
}

// DepthwiseData adds to dx[w.InLen()] the gradient of Depthwise with respect to
// its plane, given the gradient dy of its output.
func DepthwiseData[T Float](dx, dy, k []T, w *Window) {
	p := padPlane[T](w)
	p.load(p.out, dy, p.outside)
	clear(p.in)
	for tap, a := range k[:w.Taps()] {
		Axpy(p.in[p.offset(tap):][:len(p.out)], a, p.out)
	}
	p.inside.each(func(plane, at, n, step int) {
		Add(dx[at:at+n], p.in[plane:])
	})
	p.free()
}

// DepthwiseWeight adds to dk[w.Taps()] the gradient of Depthwise with respect to
// its kernel.
func DepthwiseWeight[T Float](dk, x, dy []T, w *Window) {
	p := padPlane[T](w)
	p.load(p.in, x, p.inside)
	p.load(p.out, dy, p.outside)
	for tap := range dk[:w.Taps()] {
		dk[tap] += T(Dot(p.out, p.in[p.offset(tap):]))
	}
	p.free()
}
