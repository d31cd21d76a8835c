// SPDX-License-Identifier: Apache-2.0

package target

// Layout says how the answers of one sample lie in a tensor: Outer blocks of
// Classes rows of Inner numbers each. A sample has Outer*Inner answers of Classes
// numbers.
type Layout struct{ Outer, Classes, Inner int }

// LayoutOf splits a sample's dimensions at the axis of the classes, which counts
// the batch axis as 0; an axis of 0 or below is the last. A sample without
// dimensions is one answer of one number.
func LayoutOf(dims []int, axis int) Layout {
	l := Layout{1, 1, 1}
	at := axis - 1
	if axis <= 0 || at >= len(dims) {
		at = len(dims) - 1
	}
	for i, d := range dims {
		switch {
		case i < at:
			l.Outer *= d
		case i == at:
			l.Classes = d
		default:
			l.Inner *= d
		}
	}
	return l
}

// Answers is the number of answers a sample.
func (l Layout) Answers() int { return l.Outer * l.Inner }

// Len is the number of numbers a sample.
func (l Layout) Len() int { return l.Outer * l.Classes * l.Inner }

// Rows writes a sample's numbers answer after answer to dst. The two must not
// overlap.
func (l Layout) Rows(dst, sample []float32) {
	if l.Inner == 1 {
		copy(dst, sample[:l.Len()])
		return
	}
	for o := range l.Outer {
		for i := range l.Inner {
			row := dst[(o*l.Inner+i)*l.Classes:][:l.Classes]
			for c := range row {
				row[c] = sample[(o*l.Classes+c)*l.Inner+i]
			}
		}
	}
}
