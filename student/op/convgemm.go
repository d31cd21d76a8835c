// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// A dense convolution that cannot go over views is a matrix product with the
// patches under the window as columns. Planes of few positions make products
// narrower than a tile, and read the kernels anew for every image, so several
// images share one: their columns lie side by side, position p of image i in
// column i*outLen + p.

// scratch is the number of elements that a product and its operands need.
func (c *conv[T]) scratch() int {
	if c.depthwise {
		return 0
	}
	if c.views != nil {
		return c.views.Scratch()
	}
	columns := c.in * c.taps * c.outLen * c.together
	if c.together == 1 {
		if c.direct {
			return 0
		}
		return columns
	}
	return columns + c.out*c.outLen*c.together + c.taps*c.outLen
}

// split cuts the scratch space into the column matrix, a product's other side and
// the patches of one plane.
func (c *conv[T]) split(s []T) (columns, side, plane []T) {
	if c.together == 1 {
		return s, nil, nil
	}
	a := c.in * c.taps * c.outLen * c.together
	b := a + c.out*c.outLen*c.together
	return s[:a], s[a:b], s[b : b+c.taps*c.outLen]
}

// forwardImages computes n images of which c.together is the most.
func (c *conv[T]) forwardImages(y, x, w, bias, scratch []T, n int) {
	columns, side, plane := c.split(scratch)
	rows, cols := c.in*c.taps, n*c.outLen
	for g := range c.groups {
		wg := w[g*c.out*rows : (g+1)*c.out*rows]
		if c.together == 1 {
			yg := y[g*c.out*c.outLen : (g+1)*c.out*c.outLen]
			var beta T
			if bias != nil {
				beta = 1
				for m := range c.out {
					kernel.Fill(yg[m*c.outLen:(m+1)*c.outLen], bias[g*c.out+m])
				}
			}
			kernel.Gemm(false, false, c.out, cols, rows, 1, wg, rows, c.patches(columns, x, g), cols, beta, yg, cols)
			continue
		}
		c.gather(columns, plane, x, g, n)
		kernel.Gemm(false, false, c.out, cols, rows, 1, wg, rows, columns, cols, 0, side, cols)
		for i := range n {
			for m := range c.out {
				dst := y[((i*c.groups+g)*c.out+m)*c.outLen:][:c.outLen]
				src := side[m*cols+i*c.outLen:][:c.outLen]
				if bias == nil {
					copy(dst, src)
					continue
				}
				b := bias[g*c.out+m]
				for j, v := range src {
					dst[j] = v + b
				}
			}
		}
	}
}

// backwardImages adds to the gradients of n images and of the kernels, of which
// either may be nil.
func (c *conv[T]) backwardImages(dx, dw, dy, x, w, scratch []T, n int) {
	columns, side, plane := c.split(scratch)
	rows, cols := c.in*c.taps, n*c.outLen
	for g := range c.groups {
		var d []T
		if c.together == 1 {
			d = dy[g*c.out*c.outLen : (g+1)*c.out*c.outLen]
		} else {
			d = side
			for i := range n {
				for m := range c.out {
					copy(d[m*cols+i*c.outLen:][:c.outLen], dy[((i*c.groups+g)*c.out+m)*c.outLen:])
				}
			}
		}
		if dw != nil {
			from := columns
			if c.together == 1 {
				from = c.patches(columns, x, g)
			} else {
				c.gather(columns, plane, x, g, n)
			}
			kernel.Gemm(false, true, c.out, rows, cols, 1, d, cols, from, cols, 1, dw[g*c.out*rows:(g+1)*c.out*rows], rows)
		}
		if dx == nil {
			continue
		}
		wg := w[g*c.out*rows : (g+1)*c.out*rows]
		switch {
		case c.together > 1:
			kernel.Gemm(true, false, rows, cols, c.out, 1, wg, rows, d, cols, 0, columns, cols)
			c.scatter(dx, plane, columns, g, n)
		case c.direct:
			kernel.Gemm(true, false, rows, cols, c.out, 1, wg, rows, d, cols, 1, dx[g*c.in*c.inLen:(g+1)*c.in*c.inLen], cols)
		default:
			kernel.Gemm(true, false, rows, cols, c.out, 1, wg, rows, d, cols, 0, columns, cols)
			kernel.Col2im(dx[g*c.in*c.inLen:(g+1)*c.in*c.inLen], columns, c.in, c.w)
		}
	}
}

// patches is the column matrix of a group of one image, in columns unless the
// image itself serves.
func (c *conv[T]) patches(columns, x []T, g int) []T {
	img := x[g*c.in*c.inLen : (g+1)*c.in*c.inLen]
	if c.direct {
		return img
	}
	kernel.Im2col(columns, img, c.in, c.w)
	return columns
}

// gather fills the column matrix of a group of n images; plane holds the patches
// of one plane meanwhile.
func (c *conv[T]) gather(columns, plane, x []T, g, n int) {
	cols := n * c.outLen
	for i := range n {
		for ch := range c.in {
			src := x[((i*c.groups+g)*c.in+ch)*c.inLen:][:c.inLen]
			if !c.direct {
				kernel.Im2col(plane, src, 1, c.w)
				src = plane
			}
			for t := range c.taps {
				copy(columns[(ch*c.taps+t)*cols+i*c.outLen:][:c.outLen], src[t*c.outLen:])
			}
		}
	}
}

// scatter adds the column matrix of a group of n images to the images.
func (c *conv[T]) scatter(dx, plane, columns []T, g, n int) {
	cols := n * c.outLen
	for i := range n {
		for ch := range c.in {
			dst := dx[((i*c.groups+g)*c.in+ch)*c.inLen:][:c.inLen]
			if c.direct {
				kernel.Add(dst, columns[ch*cols+i*c.outLen:][:c.outLen])
				continue
			}
			for t := range c.taps {
				copy(plane[t*c.outLen:(t+1)*c.outLen], columns[(ch*c.taps+t)*cols+i*c.outLen:])
			}
			kernel.Col2im(dst, plane, 1, c.w)
		}
	}
}
