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
	az, ay, ax := w.axes()
	o := 0
	for oz := range az.out {
		zlo, zhi := az.within(oz, 0, az.in)
		for oy := range ay.out {
			ylo, yhi := ay.within(oy, 0, ay.in)
			for ox := range ax.out {
				xlo, xhi := ax.within(ox, 0, ax.in)
				win, best := -1, int64(math.MinInt64)
				for tz := zlo; tz < zhi; tz++ {
					for ty := ylo; ty < yhi; ty++ {
						i := (az.at(oz, tz)*ay.in+ay.at(oy, ty))*ax.in + ax.at(ox, xlo)
						for range xhi - xlo {
							// Integers are compared without a branch, of which the
							// processor would guess every other one wrong.
							v := rank(float64(x[i]))
							if v > best {
								best, win = v, i
							}
							i += ax.dilation
						}
					}
				}
				y[o] = T(math.Inf(-1))
				if win >= 0 {
					y[o] = x[win]
				}
				if arg != nil {
					arg[o] = T(win)
				}
				o++
			}
		}
	}
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
