// SPDX-License-Identifier: Apache-2.0

package kernel

// patch is the part of an input plane that a window covers from one output
// position: the index of its first element, its extent, and the distances
// between its depths, rows and elements.
type patch struct {
	at                int
	depth, rows, cols int
	area, pitch, step int
}

// patches calls visit for every output position in order, with the number of
// taps that meet the input, or, with includePad, the input or its padding.
func (w *Window) patches(includePad bool, visit func(o int, p patch, taps int)) {
	z, y, x := w.axes()
	o := 0
	for oz := range z.out {
		zlo, depth, zn := z.meet(oz, includePad)
		for oy := range y.out {
			ylo, rows, yn := y.meet(oy, includePad)
			p := patch{depth: depth, rows: rows, area: z.dilation * y.in * x.in, pitch: y.dilation * x.in, step: x.dilation}
			row := (z.at(oz, zlo)*y.in + y.at(oy, ylo)) * x.in
			for ox := range x.out {
				xlo, cols, xn := x.meet(ox, includePad)
				p.at, p.cols = row+x.at(ox, xlo), cols
				visit(o, p, zn*yn*xn)
				o++
			}
		}
	}
}

// meet is the first tap that meets the input from output position o, how many
// do, and how many a mean is taken over.
func (a *axis) meet(o int, includePad bool) (lo, n, taps int) {
	start := a.at(o, 0)
	if start >= 0 && start+(a.taps-1)*a.dilation < a.in {
		return 0, a.taps, a.taps
	}
	lo, n = a.within(start, 0, a.in)
	if !includePad {
		return lo, n, n
	}
	_, taps = a.within(start, -a.pad, a.in+a.padEnd)
	return lo, n, taps
}

// within is the first of the taps from start on that meet positions of
// [from, to), and how many there are.
func (a *axis) within(start, from, to int) (lo, n int) {
	hi := a.taps
	for lo < hi && start+lo*a.dilation < from {
		lo++
	}
	for hi > lo && start+(hi-1)*a.dilation >= to {
		hi--
	}
	return lo, hi - lo
}
