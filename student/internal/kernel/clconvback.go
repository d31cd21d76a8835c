// SPDX-License-Identifier: Apache-2.0

package kernel

// GradLast are the operands of a backward pass over several images. What is nil
// is not computed; everything is added to, but with Set dx is written.
type GradLast[T Float] struct {
	DX, DW, DB []T
	Set        bool
	DY         []T
	Y          []T // where a Relu is behind the convolution
	X, W       []T
	Images     int
	// First and Last say which part of a run of slices this is: kernels are read at
	// the first, their gradient is complete after the last.
	First, Last bool
}

// Backward computes the gradients.
func (c *ConvLast[T]) Backward(shard int, g *GradLast[T], scratch []T) {
	s := &c.shards[shard]
	if c.fast != nil {
		c.fast.backward(s, g, scratch)
		return
	}
	if s.waste == nil {
		s.waste = make([]T, c.out)
	}
	if g.First && g.DX != nil {
		c.packBack(s, g.W)
	}
	if g.DW != nil {
		n := c.taps * c.in * widthOf(c.panels)
		if s.sums = grow(s.sums, n); g.First {
			clear(s.sums)
		}
	}
	if c.holes && g.Set && g.DX != nil {
		clear(g.DX[:g.Images*c.inLen*c.in])
	}
	img, sheet := take(&scratch, c.image.area()*c.in), take(&scratch, c.grad.area()*c.out)
	copied := g.Y != nil || !c.grad.plain || g.DB != nil
	if !c.image.plain {
		clear(img)
	}
	if !c.grad.plain {
		clear(sheet)
	}
	if c.flat && !copied {
		if g.DX != nil {
			c.dataStrips(s, 0, g.DX, g.DY, g.Images*c.inLen, !g.Set)
		}
		each := 1 // sums by image, as below
		if c.half {
			each = g.Images
		}
		for i := 0; i < g.Images && g.DW != nil; i += each {
			c.weightImage(s, g.X[i*c.inLen*c.in:], g.DY[i*c.outLen*c.out:], 1, each*c.outLen, 0, 0)
		}
	} else {
		c.backwardImages(s, g, img, sheet, copied)
	}
	if g.Last && g.DW != nil {
		c.unpack(g.DW, s.sums)
	}
}

// backwardImages goes image by image. Copied says that the gradient must be masked,
// summed or padded first.
func (c *ConvLast[T]) backwardImages(s *shardLast[T], g *GradLast[T], img, sheet []T, copied bool) {
	for i := range g.Images {
		d, pitch, corner := sheet, c.grad.pitch, (c.grad.top*c.grad.pitch+c.grad.left)*c.out
		if copied {
			spreadGradient(sheet, g, s.waste, i, &c.grad, c.y.out, c.x.out, c.out)
		} else {
			d, pitch, corner = g.DY[i*c.outLen*c.out:], c.x.out, 0
		}
		if g.DX != nil {
			c.dataImage(s, g.DX[i*c.inLen*c.in:], d, !g.Set)
		}
		if g.DW == nil {
			continue
		}
		x := img
		if c.image.plain {
			x = g.X[i*c.inLen*c.in:]
		} else {
			fill(img, g.X[i*c.inLen*c.in:], &c.image, c.y.in, c.x.in, c.in)
		}
		if c.flat {
			c.weightImage(s, x, d[corner:], 1, c.outLen, 0, 0)
			continue
		}
		c.weightImage(s, x, d[corner:], c.y.out, c.x.out, (c.y.stride*c.image.pitch-c.x.out*c.x.stride)*c.in, (pitch-c.x.out)*c.out)
	}
}

// spreadGradient copies the gradient of output i, masked by a Relu, between the
// zeros of its sheet and adds it to the bias's or to waste.
func spreadGradient[T Float](sheet []T, g *GradLast[T], waste []T, i int, s *sheetLast, rows, cols, channels int) {
	sum := g.DB
	if sum == nil {
		sum = waste
	}
	width := cols
	if s.plain {
		rows, width = 1, rows*cols
	}
	for r := range rows {
		at := (i*rows + r) * width * channels
		var y []T
		if g.Y != nil {
			y = g.Y[at:]
		}
		maskedCopy(width, channels, sheet[((s.top+r)*s.pitch+s.left)*channels:], channels, g.DY[at:], y, sum)
	}
}

// dataImage computes the gradient of one image from the sheet of its output's.
func (c *ConvLast[T]) dataImage(s *shardLast[T], dx, sheet []T, add bool) {
	if c.flat {
		c.dataStrips(s, 0, dx, sheet, c.inLen, add)
		return
	}
	for i := range c.back {
		b := &c.back[i]
		for row := range b.y.n {
			c.dataStrips(s, i, dx[((b.y.at+row*c.y.stride)*c.x.in+b.x.at)*c.in:], sheet[row*c.grad.pitch*c.out:], b.x.n, add)
		}
	}
}

// dataStrips computes a line of residue i of the input's gradient.
func (c *ConvLast[T]) dataStrips(s *shardLast[T], i int, dx, sheet []T, pixels int, add bool) {
	b, l := &c.back[i], &s.lines
	if c.half {
		c.halfData(s, b, dx, sheet, pixels, add)
		return
	}
	for _, p := range c.sides {
		*l = lines[T]{pixels: pixels, a: sheet, as: c.out, off: b.off.off, steps: b.off.steps, ahead: s.ahead,
			b: s.back[b.packed+len(b.taps)*c.out*p.before:], c: dx[p.at:], cs: c.x.stride * c.in, width: p.width, cols: p.cols, add: add}
		l.run(b.off.bytes)
	}
}

// weightImage adds the products of pixels and the gradient of outputs, rows by
// pixels of both with a skip at the end of a row.
func (c *ConvLast[T]) weightImage(s *shardLast[T], img, d []T, rows, pixels, askip, dskip int) {
	if c.half {
		c.halfWeights(s, img, d, pixels)
		return
	}
	o := &s.outers
	for _, p := range c.panels {
		sums := s.sums[c.taps*c.in*p.before:]
		for k, at := range c.off.off {
			*o = outers[T]{ahead: s.ahead, rows: c.off.steps, lines: rows, pixel: pixels,
				a: img[at:], as: c.x.stride * c.in, askip: askip, d: d[p.at:], ds: c.out, dskip: dskip,
				c: sums[k*c.off.steps*p.width:], width: p.width, cols: p.cols}
			o.run()
		}
	}
}

// unpack adds the packed gradient of the kernels to dw.
func (c *ConvLast[T]) unpack(dw, sums []T) {
	for _, p := range c.panels {
		src := sums[c.taps*c.in*p.before:]
		for j := range p.cols {
			k := dw[(p.at+j)*c.in*c.taps:][:c.in*c.taps]
			for ch := range c.in {
				for t := range c.taps {
					k[ch*c.taps+t] += src[(t*c.in+ch)*p.width+j]
				}
			}
		}
	}
}
