// SPDX-License-Identifier: Apache-2.0

package kernel

// Im2col gathers the patches under the window into the columns of a matrix:
// col[channels*w.Taps(), w.OutLen()] from img[channels, w.InLen()]. Row
// c*w.Taps()+t holds what tap t of channel c meets at every output position,
// zero where that is padding.
func Im2col[T Float](col, img []T, channels int, w *Window) {
	z, y, x := w.axes()
	inLen, outLen := w.InLen(), w.OutLen()
	plane := y.out * x.out
	// Output and input rows are equally long and one step apart: a whole plane
	// is one shifted copy, but for the columns that fall on padding.
	shifted := x.stride == 1 && y.stride == 1 && x.out == x.in
	for c := 0; c < channels; c++ {
		src := img[c*inLen : (c+1)*inLen]
		for tz := 0; tz < z.taps; tz++ {
			zlo, zhi := z.valid(tz)
			for ty := 0; ty < y.taps; ty++ {
				ylo, yhi := y.valid(ty)
				for tx := 0; tx < x.taps; tx++ {
					xlo, xhi := x.valid(tx)
					dst := col[:outLen]
					col = col[outLen:]
					if zlo > 0 || zhi < z.out {
						clear(dst[:zlo*plane])
						clear(dst[zhi*plane:])
					}
					for oz := zlo; oz < zhi; oz++ {
						d := dst[oz*plane : (oz+1)*plane]
						s := src[z.at(oz, tz)*y.in*x.in:][:y.in*x.in]
						if ylo > 0 || yhi < y.out {
							clear(d[:ylo*x.out])
							clear(d[yhi*x.out:])
						}
						switch {
						case xlo >= xhi || ylo >= yhi:
							clear(d)
						case shifted:
							shiftPlane(d, s, &y, &x, ylo, yhi, xlo, xhi, ty, tx)
						default:
							for oy := ylo; oy < yhi; oy++ {
								gatherRow(d[oy*x.out:(oy+1)*x.out], s[y.at(oy, ty)*x.in:], x.at(xlo, tx), x.stride, xlo, xhi)
							}
						}
					}
				}
			}
		}
	}
}

// shiftPlane copies output rows [ylo, yhi) of a plane whose rows are as long as
// the input's, and clears the columns outside [xlo, xhi).
func shiftPlane[T Float](dst, src []T, y, x *axis, ylo, yhi, xlo, xhi, ty, tx int) {
	width := x.out
	first, last := ylo*width+xlo, (yhi-1)*width+xhi
	copy(dst[first:last], src[y.at(ylo, ty)*width+x.at(xlo, tx):])
	clearColumns(dst[ylo*width:yhi*width], width, xlo, xhi)
}

// clearColumns clears the columns outside [lo, hi) of rows of the given width.
func clearColumns[T Float](rows []T, width, lo, hi int) {
	for at := 0; at < lo; at++ {
		for i := at; i < len(rows); i += width {
			rows[i] = 0
		}
	}
	for at := hi; at < width; at++ {
		for i := at; i < len(rows); i += width {
			rows[i] = 0
		}
	}
}

// gatherRow fills an output row from an input row, of which element at meets
// output position lo, and clears the row outside [lo, hi).
func gatherRow[T Float](dst, src []T, at, stride, lo, hi int) {
	for i := range dst[:lo] {
		dst[i] = 0
	}
	for i := hi; i < len(dst); i++ {
		dst[i] = 0
	}
	dst = dst[lo:hi]
	if stride == 1 {
		copy(dst, src[at:])
		return
	}
	src = src[at:]
	for i := range dst {
		dst[i] = src[i*stride]
	}
}
