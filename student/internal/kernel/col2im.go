// SPDX-License-Identifier: Apache-2.0

package kernel

// Col2im adds every element of col[channels*w.Taps(), w.OutLen()] to the
// element of img[channels, w.InLen()] that Im2col would gather it from. It is
// the adjoint of Im2col. Elements of col that meet padding may be cleared.
func Col2im[T Float](img, col []T, channels int, w *Window) {
	z, y, x := w.axes()
	inLen, outLen := w.InLen(), w.OutLen()
	for c := range channels {
		dst := img[c*inLen : (c+1)*inLen]
		for tz := range z.taps {
			for ty := range y.taps {
				for tx := range x.taps {
					if src := col[:outLen]; shifted(&y, &x) {
						scatterShifted(dst, src, &z, &y, &x, tz, ty, tx)
					} else {
						scatter(dst, src, &z, &y, &x, tz, ty, tx)
					}
					col = col[outLen:]
				}
			}
		}
	}
}

// scatter adds src to the elements of dst that gather would take from it.
func scatter[T Float](dst, src []T, z, y, x *axis, tz, ty, tx int) {
	zlo, zhi := z.valid(tz)
	ylo, yhi := y.valid(ty)
	xlo, xhi := x.valid(tx)
	if xlo >= xhi {
		return
	}
	for oz := zlo; oz < zhi; oz++ {
		for oy := ylo; oy < yhi; oy++ {
			at := (oz*y.out + oy) * x.out
			scatterRow(dst[(z.at(oz, tz)*y.in+y.at(oy, ty))*x.in+x.at(xlo, tx):], src[at+xlo:at+xhi], x.stride)
		}
	}
}

// scatterShifted is scatter where whole planes are shifted. It clears what of
// src meets padding between two rows.
func scatterShifted[T Float](dst, src []T, z, y, x *axis, tz, ty, tx int) {
	zlo, zhi := z.valid(tz)
	ylo, yhi := y.valid(ty)
	xlo, xhi := x.valid(tx)
	if xlo >= xhi || ylo >= yhi {
		return
	}
	for oz := zlo; oz < zhi; oz++ {
		s := src[(oz*y.out+ylo)*x.out : (oz*y.out+yhi)*x.out]
		fillColumns(s, x.out, xlo, xhi, 0)
		s = s[xlo : len(s)-x.out+xhi]
		Add(dst[(z.at(oz, tz)*y.in+y.at(ylo, ty))*x.in+x.at(xlo, tx):][:len(s)], s)
	}
}

// scatterRow adds src to every stride-th element of dst. It stays out of line,
// where the loop has all registers to itself.
//
//go:noinline
func scatterRow[T Float](dst, src []T, stride int) {
	if stride == 1 {
		Add(dst[:len(src)], src)
		return
	}
	at := 0
	for _, v := range src {
		dst[at] += v
		at += stride
	}
}
