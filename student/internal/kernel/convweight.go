// SPDX-License-Identifier: Apache-2.0

package kernel

// narrow says that there are too few kernels to fill vectors with: every weight's
// gradient is then a scalar product over the positions of the output.
func (c *Conv[T]) narrow() bool { return c.out < outerWidth/2 }

// weightLen is the number of elements that Weight wants beside the image.
func (c *Conv[T]) weightLen() int {
	if c.narrow() {
		return c.image.blocks(c.y.out, c.x.out) * viewBlock
	}
	return c.wide()*(c.outLen+len(c.off)) + outerWidth*len(c.off)
}

// wide is the number of kernels, rounded up to whole vectors.
func (c *Conv[T]) wide() int { return (c.out + outerWidth - 1) / outerWidth * outerWidth }

// Weight adds to dw the gradient with respect to the kernels, given several images
// and the gradient dy of their outputs.
func (c *Conv[T]) Weight(dw, x, dy []T, images int, scratch []T) {
	img := take(&scratch, c.imageLen())
	clear(img)
	if c.narrow() {
		c.weightNarrow(dw, x, dy, img, images, scratch)
		return
	}
	rows, wide := len(c.off), c.wide()
	d, sums, turned := take(&scratch, wide*c.outLen), take(&scratch, wide*rows), take(&scratch, outerWidth*rows)
	clear(d)
	for g := range c.groups {
		clear(sums)
		for i := range images {
			c.load(img, x[(i*c.groups+g)*c.in*c.inLen:][:c.in*c.inLen])
			from := dy[(i*c.groups+g)*c.out*c.outLen:][:c.out*c.outLen]
			for m := 0; m < c.out; m += outerWidth {
				part := d[m*c.outLen : (m+outerWidth)*c.outLen]
				turn(part, outerWidth, from[m*c.outLen:], c.outLen, min(outerWidth, c.out-m), c.outLen)
				for p, n := 0, 0; p < rows; p += n {
					n = height(rows-p, viewRows)
					outer(c.y.out, c.x.out, c.image.pitch-c.x.out, img, c.off[p:p+n], part, sums[m*rows+p*outerWidth:])
				}
			}
		}
		for m := 0; m < c.out; m += outerWidth {
			turn(turned, rows, sums[m*rows:], outerWidth, rows, outerWidth)
			Add(dw[(g*c.out+m)*rows:][:min(outerWidth, c.out-m)*rows], turned)
		}
	}
}

// weightNarrow is Weight where narrow says so.
func (c *Conv[T]) weightNarrow(dw, x, dy, img []T, images int, d []T) {
	rows := len(c.off)
	d = d[:c.weightLen()]
	clear(d)
	for g := range c.groups {
		for i := range images {
			c.load(img, x[(i*c.groups+g)*c.in*c.inLen:][:c.in*c.inLen])
			for m := range c.out {
				moveRows(c.y.out, c.x.out, d, c.image.pitch, dy[((i*c.groups+g)*c.out+m)*c.outLen:], c.x.out, 0)
				for p, n := 0, 0; p < rows; p += n {
					n = height(rows-p, dotsRows)
					dots(img, c.off[p:p+n], d, dw[(g*c.out+m)*rows+p:])
				}
			}
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
