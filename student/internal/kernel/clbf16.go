// SPDX-License-Identifier: Apache-2.0

package kernel

// halfConv is a convolution whose windows lie in memory without gaps, each so many
// pixels behind the one before: one of 1x1 and stride one, or along one axis without
// dilation. All three passes are products of matrices with operands in bfloat16, of
// which one's rows, the windows, may overlap.
type halfConv[T Float] struct {
	c    *ConvLast[T]
	deep int // elements of a window
	back int // elements of the packed kernels of all residues
}

// newHalfConv binds c, or returns nil where it does not apply.
func newHalfConv[T Float](c *ConvLast[T]) *halfConv[T] {
	if !c.flat && (c.y.out != 1 || c.image.rows != 1 || len(c.off.off) != 1) || c.in < 2 {
		return nil
	}
	f := &halfConv[T]{c: c, deep: c.taps * c.in}
	for i := range c.back {
		if len(c.back[i].off.off) != 1 {
			return nil
		}
		f.back += c.back[i].off.steps * c.in
	}
	return f
}

func (f *halfConv[T]) scratch() int {
	c := f.c
	return c.image.area()*c.in + c.grad.area()*c.out
}

// forward is ConvLast.Forward.
func (f *halfConv[T]) forward(s *shardLast[T], first bool, y, x, w, bias []T, images int, scratch []T) {
	c := f.c
	if first {
		s.forward = grow(s.forward, f.deep*c.out)
		for j := range c.out {
			for ch := range c.in {
				for t, v := range w[(j*c.in+ch)*c.taps:][:c.taps] {
					s.forward[(t*c.in+ch)*c.out+j] = v
				}
			}
		}
	}
	img := take(&scratch, c.image.area()*c.in)
	if !c.image.plain {
		clear(img)
	}
	rows, at := c.outLen, 1
	if c.flat {
		rows, at = images*c.outLen, images
	}
	for i := 0; i < images; i += at {
		yi := y[i*c.outLen*c.out:][:rows*c.out]
		var beta T
		if bias != nil {
			beta = 1
			for r := 0; r < len(yi); r += c.out {
				copy(yi[r:r+c.out], bias)
			}
		}
		xi := x[i*c.inLen*c.in:]
		if !c.image.plain {
			fill(img, xi, &c.image, c.y.in, c.x.in, c.in)
			xi = img
		}
		GemmBF16(false, false, rows, c.out, f.deep, 1, xi, c.x.stride*c.in, s.forward, c.out, beta, yi, c.out)
		if c.relu {
			Relu(yi, yi)
		}
	}
}

// backward is ConvLast.Backward.
func (f *halfConv[T]) backward(s *shardLast[T], g *GradLast[T], scratch []T) {
	c := f.c
	if s.waste == nil {
		s.waste = make([]T, c.out)
	}
	if g.First && g.DX != nil {
		f.packBack(s, g.W)
	}
	if g.DW != nil && g.First {
		s.sums = grow(s.sums, f.deep*c.out)
		clear(s.sums)
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
	rows, at := c.outLen, 1
	if c.flat && !copied {
		rows, at = g.Images*c.outLen, g.Images
	}
	for i := 0; i < g.Images; i += at {
		d, dy := sheet, sheet[(c.grad.top*c.grad.pitch+c.grad.left)*c.out:]
		if copied {
			spreadGradient(sheet, g, s.waste, i, &c.grad, c.y.out, c.x.out, c.out)
		} else {
			d = g.DY[i*c.outLen*c.out:]
			dy = d
		}
		if g.DX != nil {
			f.data(s, g.DX[i*c.inLen*c.in:], d, rows, !g.Set)
		}
		if g.DW == nil {
			continue
		}
		x := g.X[i*c.inLen*c.in:]
		if !c.image.plain {
			fill(img, x, &c.image, c.y.in, c.x.in, c.in)
			x = img
		}
		GemmBF16(true, false, f.deep, c.out, rows, 1, x, c.x.stride*c.in, dy, c.out, 1, s.sums, c.out)
	}
	if g.Last && g.DW != nil {
		for j := range c.out {
			for ch := range c.in {
				for t := range c.taps {
					g.DW[(j*c.in+ch)*c.taps+t] += s.sums[(t*c.in+ch)*c.out+j]
				}
			}
		}
	}
}

// data computes the input's gradient from a sheet of the output's, residue after residue.
func (f *halfConv[T]) data(s *shardLast[T], dx, sheet []T, rows int, add bool) {
	c := f.c
	var beta T
	if add {
		beta = 1
	}
	if c.flat {
		GemmBF16(false, false, rows, c.in, c.out, 1, sheet, c.out, s.back, c.in, beta, dx, c.in)
		return
	}
	at := 0
	for i := range c.back {
		b := &c.back[i]
		GemmBF16(false, false, b.x.n, c.in, b.off.steps, 1, sheet[b.off.off[0]:], c.out, s.back[at:], c.in, beta, dx[b.x.at*c.in:], c.x.stride*c.in)
		at += b.off.steps * c.in
	}
}

// packBack lays the kernels of every residue out as they meet its pixels.
func (f *halfConv[T]) packBack(s *shardLast[T], w []T) {
	c := f.c
	s.back = grow(s.back, f.back)
	at := 0
	for i := range c.back {
		for _, t := range c.back[i].taps {
			for m := range c.out {
				for j := range c.in {
					s.back[at+j] = w[(m*c.in+j)*c.taps+t]
				}
				at += c.in
			}
		}
	}
}
