// SPDX-License-Identifier: Apache-2.0

package kernel

// AverageLast takes means under a window over images whose channels come last. It is
// a convolution whose weights are the shares of the taps.
type AverageLast[T Float] struct {
	channels      int
	shares        []T // a row of C equal elements for every share there is
	forward, back []tapsRect
}

// NewAverageLast plans the means over images w.In x C, of two dimensions. With
// includePad the padding counts as zeros, but what a window reaches beyond PadEnd
// never counts. A window that meets nothing yields zero.
func NewAverageLast[T Float](w *Window, channels int, includePad bool) *AverageLast[T] {
	a := &AverageLast[T]{channels: channels}
	rows := map[float64]int{}
	m := meansMet
	if includePad {
		m = meansPadded
	}
	for _, back := range []bool{false, true} {
		rects := w.rects(channels, back, m)
		all := withOffsets(rects, channels, func(i, t int) int {
			share := rects[i].share[t]
			row, ok := rows[share]
			if !ok {
				row = len(rows)
				rows[share] = row
				for range channels {
					a.shares = append(a.shares, T(share))
				}
			}
			return row
		})
		if back {
			a.back = all
		} else {
			a.forward = all
		}
	}
	return a
}

// Forward sets the image y[w.Out, C] to the means of x[w.In, C].
func (a *AverageLast[T]) Forward(y, x []T) {
	tapsOver(y, x, a.shares, nil, a.forward, a.channels, false, nil)
}

// Grad adds to the image dx the gradient of Forward, given the gradient dy of y, or
// sets dx to it.
func (a *AverageLast[T]) Grad(dx, dy []T, add bool) {
	tapsOver(dx, dy, a.shares, nil, a.back, a.channels, add, nil)
}
