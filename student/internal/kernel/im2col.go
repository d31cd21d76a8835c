// SPDX-License-Identifier: Apache-2.0

package kernel

// Im2col gathers the patches under the window into the columns of a matrix:
// col[channels*w.Taps(), w.OutLen()] from img[channels, w.InLen()]. Row
// c*w.Taps()+t holds what tap t of channel c meets at every output position,
// zero where that is padding.
func Im2col[T Float](col, img []T, channels int, w *Window) {
	z, y, x := w.axes()
	inLen, outLen := w.InLen(), w.OutLen()
	for c := range channels {
		src := img[c*inLen : (c+1)*inLen]
		for tz := range z.taps {
			for ty := range y.taps {
				for tx := range x.taps {
					gather(col[:outLen], src, 0, &z, &y, &x, tz, ty, tx)
					col = col[outLen:]
				}
			}
		}
	}
}

// gather sets dst to what one tap meets in src at every output position, pad
// where that is padding.
func gather[T Float](dst, src []T, pad T, z, y, x *axis, tz, ty, tx int) {
	zlo, zhi := z.valid(tz)
	ylo, yhi := y.valid(ty)
	xlo, xhi := x.valid(tx)
	if xlo >= xhi || ylo >= yhi || zlo >= zhi {
		Fill(dst, pad)
		return
	}
	plane := y.out * x.out
	Fill(dst[:zlo*plane], pad)
	Fill(dst[zhi*plane:], pad)
	for oz := zlo; oz < zhi; oz++ {
		d := dst[oz*plane : (oz+1)*plane]
		s := src[(z.at(oz, tz)*y.in+y.at(ylo, ty))*x.in+x.at(xlo, tx):]
		Fill(d[:ylo*x.out], pad)
		Fill(d[yhi*x.out:], pad)
		d = d[ylo*x.out : yhi*x.out]
		if shifted(y, x) {
			copy(d[xlo:len(d)-x.out+xhi], s)
		} else {
			for at := xlo; at < len(d); at += x.out {
				gatherRow(d[at:at+xhi-xlo], s, x.stride)
				s = s[min(y.stride*x.in, len(s)):]
			}
		}
		fillColumns(d, x.out, xlo, xhi, pad)
	}
}

// shifted says that output and input rows are equally long and one step apart:
// what a tap meets is the whole plane shifted, but for columns that fall on
// padding.
func shifted(y, x *axis) bool { return x.stride == 1 && y.stride == 1 && x.out == x.in }

// fillColumns sets the columns outside [lo, hi) of rows of the given width.
func fillColumns[T Float](rows []T, width, lo, hi int, pad T) {
	for at := range lo {
		for i := at; i < len(rows); i += width {
			rows[i] = pad
		}
	}
	for at := hi; at < width; at++ {
		for i := at; i < len(rows); i += width {
			rows[i] = pad
		}
	}
}

// gatherRow copies every stride-th element of src. It stays out of line, where
// the loop has all registers to itself.
//
//go:noinline
func gatherRow[T Float](dst, src []T, stride int) {
	if stride == 1 {
		copy(dst, src)
		return
	}
	at := 0
	for i := range dst {
		dst[i] = src[at]
		at += stride
	}
}
