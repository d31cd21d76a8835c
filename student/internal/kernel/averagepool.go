// SPDX-License-Identifier: Apache-2.0

package kernel

// AveragePool takes the mean under the window at every output position of one
// plane: y[w.OutLen()] from x[w.InLen()]. With includePad the padding counts as
// zeros, but what a window reaches beyond PadEnd never counts. A window that
// meets nothing yields zero.
func AveragePool[T Float](y, x []T, w *Window, includePad bool) {
	az, ay, ax := w.axes()
	o := 0
	for oz := 0; oz < az.out; oz++ {
		zlo, zhi, zn := az.mean(oz, includePad)
		for oy := 0; oy < ay.out; oy++ {
			ylo, yhi, yn := ay.mean(oy, includePad)
			for ox := 0; ox < ax.out; ox++ {
				xlo, xhi, xn := ax.mean(ox, includePad)
				var sum T
				for tz := zlo; tz < zhi; tz++ {
					for ty := ylo; ty < yhi; ty++ {
						i := (az.at(oz, tz)*ay.in+ay.at(oy, ty))*ax.in + ax.at(ox, xlo)
						for tx := xlo; tx < xhi; tx++ {
							sum += x[i]
							i += ax.dilation
						}
					}
				}
				if n := zn * yn * xn; n > 0 {
					sum /= T(n)
				}
				y[o] = sum
				o++
			}
		}
	}
}

// AveragePoolGrad adds to dx[w.InLen()] the gradient of AveragePool, given the
// gradient dy of its output.
func AveragePoolGrad[T Float](dx, dy []T, w *Window, includePad bool) {
	az, ay, ax := w.axes()
	o := 0
	for oz := 0; oz < az.out; oz++ {
		zlo, zhi, zn := az.mean(oz, includePad)
		for oy := 0; oy < ay.out; oy++ {
			ylo, yhi, yn := ay.mean(oy, includePad)
			for ox := 0; ox < ax.out; ox++ {
				xlo, xhi, xn := ax.mean(ox, includePad)
				d := dy[o]
				o++
				if n := zn * yn * xn; n > 0 {
					d /= T(n)
				}
				for tz := zlo; tz < zhi; tz++ {
					for ty := ylo; ty < yhi; ty++ {
						i := (az.at(oz, tz)*ay.in+ay.at(oy, ty))*ax.in + ax.at(ox, xlo)
						for tx := xlo; tx < xhi; tx++ {
							dx[i] += d
							i += ax.dilation
						}
					}
				}
			}
		}
	}
}

// mean is the range of taps that meet the input from output position o, and how
// many taps the mean is taken over.
func (a *axis) mean(o int, includePad bool) (lo, hi, n int) {
	lo, hi = a.within(o, 0, a.in)
	if !includePad {
		return lo, hi, hi - lo
	}
	from, to := a.within(o, -a.pad, a.in+a.padEnd)
	return lo, hi, to - from
}
