// SPDX-License-Identifier: Apache-2.0

package kernel

// pairs is a maximum over windows of two by two that do not overlap: rows by cols of
// them over a plane of width elements a row.
type pairs[T Float] struct {
	rows, cols, width int
	y, arg, x         []T
}

// pairs32 is what the assembly sees of pairs: addresses, and distances in bytes.
type pairs32 struct {
	rows, blocks int
	y, arg, x    uintptr
	pitch, over  int
	width        float32
	_            float32
	mask         int // lanes of windows in the last block of a row,
	low, high    int // and of the elements below them
}

// pairsOf is w as such windows, if it is that.
func pairsOf[T Float](w *Window) (p pairs[T], ok bool) {
	z, y, x := w.axes()
	for _, a := range []axis{y, x} {
		if a.taps != 2 || a.stride != 2 || a.dilation != 1 || a.pad != 0 || 2*a.out > a.in {
			return p, false
		}
	}
	return pairs[T]{rows: y.out, cols: x.out, width: x.in}, z == (axis{taps: 1, stride: 1, dilation: 1, in: 1, out: 1})
}

// run sets y to the maxima and arg to where in x they lie: the first of equal ones,
// and NaN beats everything.
func (p *pairs[T]) run() {
	n := p.rows * p.cols
	y, arg, x := p.y[:n], p.arg[:n], p.x[:(2*p.rows-1)*p.width+2*p.cols]
	if f := lastsOf(x); f != nil && f.lanes == 16 {
		last := (p.cols-1)%16 + 1
		fastPairs(&pairs32{rows: p.rows, blocks: (p.cols + 15) / 16, y: address(y), arg: address(arg), x: address(x), pitch: 4 * p.width,
			over: 4 * (16 - last), width: float32(p.width), mask: 1<<last - 1, low: 1<<min(2*last, 16) - 1, high: 1<<max(2*last-16, 0) - 1})
		return
	}
	maxPairsGo(p)
}

// maxPairsGo is the plain form of pairs.
func maxPairsGo[T Float](p *pairs[T]) {
	o := 0
	for r := range p.rows {
		for c := range p.cols {
			at := 2*r*p.width + 2*c
			win := at
			for _, i := range [3]int{at + 1, at + p.width, at + p.width + 1} {
				if b := p.x[win]; !(p.x[i] <= b) && b == b {
					win = i
				}
			}
			p.y[o], p.arg[o] = p.x[win], T(win)
			o++
		}
	}
}
