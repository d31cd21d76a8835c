// SPDX-License-Identifier: Apache-2.0

package kernel

// Weight adds to dw the gradient with respect to the kernels, given several images
// and the gradient dy of their outputs.
//
// It is a product over the positions of the output: viewWidth kernels lie side by
// side in dy transposed, and every tap meets its view of the image.
func (c *Conv[T]) Weight(dw, x, dy []T, images int, scratch []T) {
	rows, blocks := len(c.off), (c.out+viewWidth-1)/viewWidth
	img, d, sums := take(&scratch, c.imageLen()), take(&scratch, blocks*viewWidth*c.outLen), take(&scratch, blocks*viewWidth*rows)
	turned := take(&scratch, viewWidth*rows)
	clear(img)
	clear(d)
	for g := range c.groups {
		clear(sums)
		for i := range images {
			c.load(img, x[(i*c.groups+g)*c.in*c.inLen:][:c.in*c.inLen])
			from := dy[(i*c.groups+g)*c.out*c.outLen:][:c.out*c.outLen]
			for b := range blocks {
				m := b * viewWidth
				part := d[m*c.outLen : (m+viewWidth)*c.outLen]
				turn(part, viewWidth, from[m*c.outLen:], c.outLen, min(viewWidth, c.out-m), c.outLen)
				for p, n := 0, 0; p < rows; p += n {
					n = height(rows-p, viewRows)
					outer(c.y.out, c.x.out, c.image.pitch-c.x.out, img, c.off[p:p+n], part, sums[m*rows+p*viewWidth:])
				}
			}
		}
		for b := range blocks {
			m := b * viewWidth
			turn(turned, rows, sums[m*rows:], viewWidth, rows, viewWidth)
			n := min(viewWidth, c.out-m)
			Add(dw[(g*c.out+m)*rows:][:n*rows], turned)
		}
	}
}

// turn sets dst, of pitch ds, to the transpose of src[rows, cols] of pitch ld.
func turn[T Float](dst []T, ds int, src []T, ld, rows, cols int) {
	if s, ok := any(src).([]float32); ok && fast != nil {
		fast.transpose(any(dst).([]float32), ds, s, ld, rows, cols)
		return
	}
	for i := range rows {
		for j, v := range src[i*ld:][:cols] {
			dst[j*ds+i] = v
		}
	}
}
