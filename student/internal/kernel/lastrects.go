// SPDX-License-Identifier: Apache-2.0

package kernel

import "slices"

// rect is a rectangle of pixels of images whose channels come last, in all of which
// a window meets the same taps: the inside of an image, a side, a corner; where a
// window has strides, and its gradient is wanted, one of its phases. A destination
// pixel at row r and column c of the rectangle is at dst + r*dstRow + c*dstCol, and
// tap t meets the source at off[t] + r*srcRow + c*srcCol, all in elements.
type rect struct {
	rows, cols, dst                int
	dstRow, dstCol, srcRow, srcCol int
	off                            []int
	tap                            []int     // of the window, as many as off
	share                          []float64 // one over the taps of the mean that tap t adds to
}

// run is what a rect is along one axis.
type run struct {
	start, count, step int   // positions of the destination
	tap, src           []int // taps met and the source position each meets first
	srcStep            int
	size               []int // by tap, how many taps the source's, or output's, mean is over
}

// same says whether the position after the run's last, of the given taps, belongs
// to it.
func (r *run) same(next *run) bool {
	if !slices.Equal(r.tap, next.tap) || !slices.Equal(r.size, next.size) {
		return false
	}
	for i, s := range r.src {
		if next.src[i] != s+r.count*r.srcStep {
			return false
		}
	}
	return true
}

// means says what a mean under a window is over.
type means int

const (
	noMeans     means = iota // there is none, and all sizes are one
	meansMet                 // the input positions that the window meets
	meansPadded              // those and the padding
)

// size is how many taps the mean of output position o is over.
func (a *axis) size(o int, m means) int {
	if m == noMeans {
		return 1
	}
	_, _, size := a.meet(o, m == meansPadded)
	return size
}

// runs cuts the output positions of an axis.
func (a *axis) runs(m means) []run {
	var all []run
	for o := range a.out {
		r := run{start: o, count: 1, step: 1, srcStep: a.stride}
		size := a.size(o, m)
		for t := range a.taps {
			if i := a.at(o, t); i >= 0 && i < a.in {
				r.tap, r.src, r.size = append(r.tap, t), append(r.src, i), append(r.size, size)
			}
		}
		all = join(all, r)
	}
	return all
}

// runsBack cuts the input positions of an axis, with the output positions as the
// source: those that read them.
func (a *axis) runsBack(m means) []run {
	var all []run
	for phase := range min(a.stride, a.in) {
		var own []run
		for i := phase; i < a.in; i += a.stride {
			r := run{start: i, count: 1, step: a.stride, srcStep: 1}
			for t := range a.taps {
				o := i + a.pad - t*a.dilation
				if o < 0 || o%a.stride != 0 || o/a.stride >= a.out {
					continue
				}
				r.tap, r.src, r.size = append(r.tap, t), append(r.src, o/a.stride), append(r.size, a.size(o/a.stride, m))
			}
			own = join(own, r)
		}
		all = append(all, own...)
	}
	return all
}

// join appends a run of one position, or makes the last run longer.
func join(all []run, r run) []run {
	if n := len(all); n > 0 && all[n-1].same(&r) {
		all[n-1].count++
		return all
	}
	return append(all, r)
}

// rects cuts the outputs of a window over images of some channels, or with back
// their inputs.
func (w *Window) rects(channels int, back bool, m means) []rect {
	_, ay, ax := w.axes()
	ys, xs := ay.runs(m), ax.runs(m)
	dstWidth, srcWidth := ax.out*channels, ax.in*channels
	if back {
		ys, xs = ay.runsBack(m), ax.runsBack(m)
		dstWidth, srcWidth = srcWidth, dstWidth
	}
	var all []rect
	for _, y := range ys {
		for _, x := range xs {
			r := rect{rows: y.count, cols: x.count, dst: y.start*dstWidth + x.start*channels,
				dstRow: y.step * dstWidth, dstCol: x.step * channels, srcRow: y.srcStep * srcWidth, srcCol: x.srcStep * channels}
			for i, ty := range y.tap {
				for j, tx := range x.tap {
					r.off = append(r.off, y.src[i]*srcWidth+x.src[j]*channels)
					r.tap = append(r.tap, ty*ax.taps+tx)
					r.share = append(r.share, 1/float64(max(y.size[i]*x.size[j], 1)))
				}
			}
			all = append(all, r)
		}
	}
	return all
}
