// SPDX-License-Identifier: Apache-2.0

package kernel

// phase is what of a padded axis lies a multiple of the stride, plus a residue,
// from its begin: positions step*stride + residue - pad of the input. Output o
// meets the phase at steps o + tap*dilation/stride, for the taps whose dilation
// has the same residue.
type phase struct {
	taps        []int // tap indices
	shift       []int // how many steps each is ahead of the output
	first       int   // step of the first position that is not padding
	at, n       int   // that position, and how many there are
	least, most int   // shifts
}

// phases lists the phases of an axis by residue.
func (a *axis) phases() []phase {
	all := make([]phase, a.stride)
	for residue := range all {
		p := &all[residue]
		p.first = max(a.pad-residue+a.stride-1, 0) / a.stride
		p.at = p.first*a.stride + residue - a.pad
		if p.at < a.in {
			p.n = (a.in-1-p.at)/a.stride + 1
		}
		for t := range a.taps {
			if t*a.dilation%a.stride != residue {
				continue
			}
			s := t * a.dilation / a.stride
			if len(p.taps) == 0 {
				p.least = s
			}
			p.taps, p.shift, p.most = append(p.taps, t), append(p.shift, s), s
		}
	}
	return all
}

// used says whether taps meet positions of the phase.
func (p *phase) used() bool { return len(p.taps) > 0 && p.n > 0 }

// sheet is a stack of planes between zeros, so laid out that a step along y is
// pitch elements and reading across the end of a row meets the zeros before the
// next.
type sheet struct {
	pitch, area int // elements from row to row, and from plane to plane
	top, left   int // zeros above the first row, in rows, and before it
}

// imageSheet holds the phases of an input, step 0 of either axis first.
func imageSheet(y, x *axis, ys, xs []phase) sheet {
	s := sheet{pitch: x.out}
	rows, reach := 0, 0
	for i := range xs {
		if p := &xs[i]; len(p.taps) > 0 {
			s.pitch = max(s.pitch, p.first+p.n, x.out+p.most-p.first)
			reach = max(reach, p.most)
		}
	}
	for i := range ys {
		if p := &ys[i]; len(p.taps) > 0 {
			rows = max(rows, p.first+p.n, y.out+p.most)
		}
	}
	s.area = (rows-1)*s.pitch + max(s.pitch, x.out+reach) + viewBlock
	return s
}

// gradientSheet holds the gradient of an output, which the phases of the input
// meet backwards: step j of a phase meets output j + first - shift.
func gradientSheet(y, x *axis, ys, xs []phase) sheet {
	s := sheet{pitch: x.out}
	rows, reach := y.out, 0
	for i := range xs {
		if p := &xs[i]; p.used() {
			s.left = max(s.left, p.most-p.first)
		}
	}
	for i := range ys {
		if p := &ys[i]; p.used() {
			s.top = max(s.top, p.most-p.first)
		}
	}
	s.pitch += s.left
	for i := range xs {
		if p := &xs[i]; p.used() {
			s.pitch = max(s.pitch, p.n+p.first-p.least, p.n)
			reach = max(reach, s.left+p.n+p.first-p.least)
		}
	}
	for i := range ys {
		if p := &ys[i]; p.used() {
			rows = max(rows, p.n+p.first-p.least)
		}
	}
	s.area = (s.top+rows-1)*s.pitch + max(s.pitch, reach) + viewBlock
	return s
}

// band is how many rows of an output are best computed at a time: what they read of
// all planes stays in the second cache, a tile's rows of them in the first.
func (s *sheet) band(rows, planes int) int {
	const columns, footprint, least = 512, 1 << 16, 64
	n := min(columns, footprint/planes) / s.pitch
	n = max(n, (least+s.pitch-1)/s.pitch, 1)
	return even(rows, n)
}

// blocks is how many blocks of columns cover rows of cols elements.
func (s *sheet) blocks(rows, cols int) int {
	return ((rows-1)*s.pitch + cols + viewBlock - 1) / viewBlock
}
