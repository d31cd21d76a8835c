// SPDX-License-Identifier: Apache-2.0

package kernel

import "math"

// The pooling loops over large outputs go tap by tap and take all output
// positions at once, as many elements at a time as vectors hold. Small outputs
// are left to the loops over patches.
const tapwiseLen = 24

// maxByTaps is MaxPool, or says that it must be left to the patches.
func maxByTaps[T Float](y, arg, x []T, w *Window) bool {
	az, ay, ax := w.axes()
	n := w.OutLen()
	p := takePlane[T]()
	defer p.free()
	p.in, p.out = grow(p.in, n), grow(p.out, n)
	if arg == nil {
		arg = p.out
	}
	y, arg, x = y[:n], arg[:n], x[:w.InLen()]
	low := T(math.Inf(-1))
	Fill(y, low)
	Fill(arg, low)
	for tz := range az.taps {
		for ty := range ay.taps {
			for tx := range ax.taps {
				gather(p.in, x, low, &az, &ay, &ax, tz, ty, tx)
				takeLarger(y, arg, p.in, T((tz*az.dilation*ay.in+ty*ay.dilation)*ax.in+tx*ax.dilation))
			}
		}
	}
	// So far arg counts from where the window begins, be that before the input.
	o := 0
	for oz := range az.out {
		for oy := range ay.out {
			begin := T((az.at(oz, 0)*ay.in+ay.at(oy, 0))*ax.in - ax.pad)
			for range ax.out {
				if arg[o] == low {
					return false
				}
				arg[o] += begin
				begin += T(ax.stride)
				o++
			}
		}
	}
	return true
}

// takeLarger replaces elements of y by larger ones of v, and those of arg by at.
// NaN counts as larger than any number.
func takeLarger[T Float](y, arg, v []T, at T) {
	arg, v = arg[:len(y)], v[:len(y)]
	n := blocksOf(y)
	if n > 0 {
		vectors.takeLarger(n, first(y), first(arg), first(v), float32(at))
	}
	for i := n * vectorBlock; i < len(y); i++ {
		if v[i] > y[i] || v[i] != v[i] && y[i] == y[i] {
			y[i], arg[i] = v[i], at
		}
	}
}

// averageByTaps is AveragePool.
func averageByTaps[T Float](y, x []T, w *Window, includePad bool) {
	az, ay, ax := w.axes()
	p := takePlane[T]()
	defer p.free()
	p.in = grow(p.in, w.OutLen())
	y, x = y[:len(p.in)], x[:w.InLen()]
	clear(y)
	for tz := range az.taps {
		for ty := range ay.taps {
			for tx := range ax.taps {
				gather(p.in, x, 0, &az, &ay, &ax, tz, ty, tx)
				Add(y, p.in)
			}
		}
	}
	divide(y, y, w, includePad)
}

// averageGradByTaps is AveragePoolGrad.
func averageGradByTaps[T Float](dx, dy []T, w *Window, includePad bool) {
	az, ay, ax := w.axes()
	p := takePlane[T]()
	defer p.free()
	p.out = grow(p.out, w.OutLen())
	divide(p.out, dy, w, includePad)
	for tz := range az.taps {
		for ty := range ay.taps {
			for tx := range ax.taps {
				scatter(dx, p.out, &az, &ay, &ax, tz, ty, tx)
			}
		}
	}
}

// divide sets every element of y to that of x over the number of taps that its
// mean is taken over.
func divide[T Float](y, x []T, w *Window, includePad bool) {
	az, ay, ax := w.axes()
	o := 0
	for oz := range az.out {
		_, _, zn := az.meet(oz, includePad)
		for oy := range ay.out {
			_, _, yn := ay.meet(oy, includePad)
			for ox := range ax.out {
				_, _, xn := ax.meet(ox, includePad)
				y[o] = x[o] / T(max(zn*yn*xn, 1))
				o++
			}
		}
	}
}
