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
	for oz := 0; oz < az.out; oz++ {
		zlo, zhi := az.within(oz, 0, az.in)
		for oy := 0; oy < ay.out; oy++ {
			ylo, yhi := ay.within(oy, 0, ay.in)
			for ox := 0; ox < ax.out; ox++ {
				xlo, xhi := ax.within(ox, 0, ax.in)
				best, win := T(math.Inf(-1)), -1
				for tz := zlo; tz < zhi; tz++ {
					for ty := ylo; ty < yhi; ty++ {
						row := (az.at(oz, tz)*ay.in + ay.at(oy, ty)) * ax.in
						for tx := xlo; tx < xhi; tx++ {
							i := row + ax.at(ox, tx)
							if v := x[i]; v > best || win < 0 || v != v && best == best {
								best, win = v, i
							}
						}
					}
				}
				y[o] = best
				if arg != nil {
					arg[o] = T(win)
				}
				o++
			}
		}
	}
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
