// SPDX-License-Identifier: Apache-2.0

package kernel

import "math"

// MaxPool takes the maximum under the window at every output position of one
// plane: y[w.OutLen()] from x[w.InLen()]. Padding never wins, the first of equal
// values does, and NaN beats everything.
//
// arg, unless nil, receives the index of the winner within x, or -1 where the
// window meets padding alone; y is minus infinity there.
func MaxPool[T Float](y, arg, x []T, w *Window) {
	if p, ok := pairsOf[T](w); ok && arg != nil {
		p.y, p.arg, p.x = y, arg, x
		p.run()
		return
	}
	if w.OutLen() >= tapwiseLen && maxByTaps(y, arg, x, w) {
		return
	}
	w.patches(false, func(o int, p patch, taps int) {
		win, best := -1, T(math.Inf(-1))
		if taps > 0 {
			win = largest(x, p)
			best = x[win]
		}
		y[o] = best
		if arg != nil {
			arg[o] = T(win)
		}
	})
}

// largest is the index of the largest element under a patch.
func largest[T Float](x []T, p patch) (win int) {
	best := int64(math.MinInt64)
	for range p.depth {
		row := p.at
		for range p.rows {
			i := row
			for range p.cols {
				// Integers are compared without a branch, of which the
				// processor would guess every other one wrong.
				v := rank(float64(x[i]))
				if v > best {
					win = i
				}
				best = max(best, v)
				i += p.step
			}
			row += p.pitch
		}
		p.at += p.area
	}
	return win
}

// rank maps numbers to integers of the same order, NaN to the largest.
func rank(v float64) int64 {
	if v != v {
		return math.MaxInt64
	}
	b := int64(math.Float64bits(v + 0)) // adding zero makes -0 equal to 0
	return b ^ int64(uint64(b>>63)>>1)
}

// MaxPoolGrad adds dy to the elements of dx that won, as MaxPool has left them
// in arg.
func MaxPoolGrad[T Float](dx, dy, arg []T) {
	arg = arg[:len(dy)]
	for i, d := range dy {
		if j := int(arg[i]); j >= 0 {
			dx[j] += d
		}
	}
}
