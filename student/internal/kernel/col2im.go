// SPDX-License-Identifier: Apache-2.0

package kernel

// Col2im adds every element of col[channels*w.Taps(), w.OutLen()] to the
// element of img[channels, w.InLen()] that Im2col would gather it from. It is
// the adjoint of Im2col. Elements of col that meet padding may be cleared.
func Col2im[T Float](img, col []T, channels int, w *Window) {
	z, y, x := w.axes()
	inLen, outLen := w.InLen(), w.OutLen()
	plane := y.out * x.out
	shifted := x.stride == 1 && y.stride == 1 && x.out == x.in
	for c := 0; c < channels; c++ {
		dst := img[c*inLen : (c+1)*inLen]
		for tz := 0; tz < z.taps; tz++ {
			zlo, zhi := z.valid(tz)
			for ty := 0; ty < y.taps; ty++ {
				ylo, yhi := y.valid(ty)
				for tx := 0; tx < x.taps; tx++ {
					xlo, xhi := x.valid(tx)
					src := col[:outLen]
					col = col[outLen:]
					if xlo >= xhi || ylo >= yhi {
						continue
					}
					for oz := zlo; oz < zhi; oz++ {
						s := src[oz*plane : (oz+1)*plane]
						d := dst[z.at(oz, tz)*y.in*x.in:][:y.in*x.in]
						if shifted {
							clearColumns(s[ylo*x.out:yhi*x.out], x.out, xlo, xhi)
							s = s[ylo*x.out+xlo : (yhi-1)*x.out+xhi]
							Add(d[y.at(ylo, ty)*x.in+x.at(xlo, tx):][:len(s)], s)
							continue
						}
						for oy := ylo; oy < yhi; oy++ {
							scatterRow(d[y.at(oy, ty)*x.in+x.at(xlo, tx):], s[oy*x.out+xlo:oy*x.out+xhi], x.stride)
						}
					}
				}
			}
		}
	}
}

// scatterRow adds src to every stride-th element of dst.
func scatterRow[T Float](dst, src []T, stride int) {
	if stride == 1 {
		Add(dst[:len(src)], src)
		return
	}
	for i, v := range src {
		dst[i*stride] += v
	}
}
