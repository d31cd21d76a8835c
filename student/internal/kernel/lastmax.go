// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"
	"unsafe"
)

// maxCall is a rectangle as the loops of maxima take it. All distances are in bytes;
// off holds two numbers for every tap, where its pixels are in src and the bits of its
// number as a float32. dst and arg have the same steps.
type maxCall struct {
	dst, arg, src                  *float32
	off                            *int
	taps, rows, cols               int
	dstRow, dstCol, srcRow, srcCol int
	channels, add                  int
}

// MaxLast takes maxima under a window over images whose channels come last.
type MaxLast[T Float] struct {
	channels int
	rects    []tapsRect
	once     bool // every input is under exactly one window
}

// NewMaxLast plans the maxima over images w.In x C, of two dimensions.
func NewMaxLast[T Float](w *Window, channels int) *MaxLast[T] {
	m := &MaxLast[T]{channels: channels, once: true}
	for _, r := range w.rects(channels, false, noMeans) {
		t := tapsRect{rect: r}
		for i, off := range r.off {
			t.offsets = append(t.offsets, 4*off, int(math.Float32bits(float32(r.tap[i]))))
		}
		m.rects = append(m.rects, t)
	}
	for _, r := range w.rects(channels, true, noMeans) {
		m.once = m.once && len(r.tap) == 1
	}
	return m
}

// Covers says whether every input is under exactly one window, so that Grad can set
// the gradient.
func (m *MaxLast[T]) Covers() bool { return m.once }

// Forward sets the image y[w.Out, C] to the maxima of x[w.In, C]. Padding never wins,
// the first of equal values does, and NaN beats everything. arg, unless nil, receives
// the tap that won, or -1 where the window meets padding alone; y is minus infinity
// there.
func (m *MaxLast[T]) Forward(y, arg, x []T) {
	vectors := lastVectors[T]()
	for i := range m.rects {
		r := &m.rects[i]
		if vectors && len(r.tap) > 0 {
			c := m.call(r, y, arg, x)
			callMaxTaps(&c)
			continue
		}
		r.each(func(d, s int) {
			for ch := range m.channels {
				best, win := T(math.Inf(-1)), -1
				for t, off := range r.off {
					v := x[s+off+ch]
					if t == 0 || v > best || v != v && best == best {
						best, win = v, r.tap[t]
					}
				}
				y[d+ch] = best
				if arg != nil {
					arg[d+ch] = T(win)
				}
			}
		})
	}
}

// Grad adds to the image dx the elements of dy where their taps won, as Forward has
// left them in arg. Unless add, it sets all of dx, which wants Covers.
func (m *MaxLast[T]) Grad(dx, dy, arg []T, add bool) {
	vectors := lastVectors[T]()
	for i := range m.rects {
		r := &m.rects[i]
		if len(r.tap) == 0 {
			continue
		}
		if vectors {
			c := m.call(r, dy, arg, dx)
			if add {
				c.add = 1
			}
			callMaxTapsGrad(&c)
			continue
		}
		r.each(func(d, s int) {
			for t, off := range r.off {
				for ch := range m.channels {
					var g T
					if int(arg[d+ch]) == r.tap[t] {
						g = dy[d+ch]
					}
					if add {
						g += dx[s+off+ch]
					}
					dx[s+off+ch] = g
				}
			}
		})
	}
}

// call is a rectangle for the loops in vectors.
func (m *MaxLast[T]) call(r *tapsRect, dst, arg, src []T) maxCall {
	c := maxCall{dst: shift(first(dst), r.dst), src: first(src), off: unsafe.SliceData(r.offsets), taps: len(r.tap),
		rows: r.rows, cols: r.cols, dstRow: 4 * r.dstRow, dstCol: 4 * r.dstCol, srcRow: 4 * r.srcRow, srcCol: 4 * r.srcCol, channels: m.channels}
	if arg != nil {
		c.arg = shift(first(arg), r.dst)
	}
	return c
}
