// SPDX-License-Identifier: Apache-2.0

package kernel

import "unsafe"

// tapsCall is a rectangle as the loops in vectors take it. All distances are in
// bytes; off holds two numbers for every tap, where its pixels are in src and where
// its weights are, a row of them.
type tapsCall struct {
	dst, src, weights, bias        *float32
	off                            *int
	taps, rows, cols               int
	dstRow, dstCol, srcRow, srcCol int
	channels, add                  int
	ahead                          [2]pace
}

// tapsRect is a rectangle with the offsets in the form of tapsCall.
type tapsRect struct {
	rect
	offsets []int
}

// withOffsets prepares rectangles for weights of which row rowOf(i, t) belongs to tap t
// of rectangle i.
func withOffsets(rects []rect, channels int, rowOf func(i, t int) int) []tapsRect {
	all := make([]tapsRect, len(rects))
	for i, r := range rects {
		all[i].rect = r
		for t, off := range r.off {
			all[i].offsets = append(all[i].offsets, 4*off, 4*channels*rowOf(i, t))
		}
	}
	return all
}

// call is the rectangle over dst and src.
func (r *tapsRect) call(dst, src, weights *float32, channels int) tapsCall {
	return tapsCall{dst: shift(dst, r.dst), src: src, weights: weights, off: unsafe.SliceData(r.offsets), taps: len(r.tap),
		rows: r.rows, cols: r.cols, dstRow: 4 * r.dstRow, dstCol: 4 * r.dstCol, srcRow: 4 * r.srcRow, srcCol: 4 * r.srcCol, channels: channels}
}

// times is how often the loops ask for memory ahead: once for every vector.
func (c *tapsCall) times() int {
	return c.rows * c.cols * ((c.channels + lastWidth - 1) / lastWidth)
}

// shift is the address n elements on.
func shift(p *float32, n int) *float32 {
	return (*float32)(unsafe.Add(unsafe.Pointer(p), 4*n))
}

// lastVectors says whether T is float32 and there are loops in vectors.
func lastVectors[T Float]() bool {
	var element T
	return lastWidth > 0 && unsafe.Sizeof(element) == 4
}

// tapsOver sets, or adds to, every pixel of the rectangles: bias, which may be nil,
// plus the sum over taps of the source's pixel times the tap's row of weights,
// channel by channel.
func tapsOver[T Float](dst, src, weights, bias []T, rects []tapsRect, channels int, add bool, ahead *Ahead[T]) {
	vectors := lastVectors[T]()
	for i := range rects {
		r := &rects[i]
		if vectors {
			c := r.call(first(dst), first(src), first(weights), channels)
			if bias != nil {
				c.bias = first(bias)
			}
			if add {
				c.add = 1
			}
			times := c.times()
			c.ahead = [2]pace{ahead.take(times), ahead.take(times)}
			callTaps(&c)
			continue
		}
		r.each(func(d, s int) {
			for ch := range channels {
				var sum T
				if bias != nil {
					sum = bias[ch]
				}
				for t, off := range r.off {
					sum += T(weights[r.offsets[2*t+1]/4+ch] * src[s+off+ch])
				}
				if add {
					sum += dst[d+ch]
				}
				dst[d+ch] = sum
			}
		})
	}
}

// tapsWeights adds to the rows of weights the gradient of tapsOver with respect to
// them, given that of its destination.
func tapsWeights[T Float](weights, d, src []T, rects []tapsRect, channels int, ahead *Ahead[T]) {
	vectors := lastVectors[T]()
	for i := range rects {
		r := &rects[i]
		if vectors {
			const most = 9
			c := r.call(first(d), first(src), first(weights), channels)
			for t := 0; t < len(r.tap); t += most {
				c.off, c.taps = &r.offsets[2*t], min(most, len(r.tap)-t)
				c.ahead[0] = ahead.take(2 * c.times())
				c.ahead[0].step *= 2 // two lines at a time
				callTapsGrad(&c)
			}
			continue
		}
		r.each(func(at, s int) {
			for t, off := range r.off {
				row := weights[r.offsets[2*t+1]/4:][:channels]
				for ch := range row {
					row[ch] += T(d[at+ch] * src[s+off+ch])
				}
			}
		})
	}
}

// each calls visit for every pixel with where it is and where the taps' offsets count
// from.
func (r *rect) each(visit func(dst, src int)) {
	for y := range r.rows {
		for x := range r.cols {
			visit(r.dst+y*r.dstRow+x*r.dstCol, y*r.srcRow+x*r.srcCol)
		}
	}
}
