// SPDX-License-Identifier: Apache-2.0

package kernel

// Conv is a convolution of images X[groups*in, y, x] with kernels
// W[groups*out, in, taps] to Y[groups*out, y, x], bound to its geometry. It is a
// matrix product whose one side is never built: a zero-padded copy of the image
// has all that one tap meets in one run, so row p of the matrix of patches is the
// view of the copy that begins at offset p. A stride of s makes s*s such copies,
// one for every residue.
//
// The scratch space its methods want is Scratch elements of any content. Results
// for an image depend on nothing but the operands and the instruction set; sums
// over images go in their order.
type Conv[T Float] struct {
	groups, in, out int
	taps            int
	inLen, outLen   int
	y, x            axis
	ys, xs          []phase

	image sheet
	parts int   // planes an input channel
	part  []int // which of them belongs to residues y*stride + x, or -1
	off   []int // where the view of every row of the matrix begins
	band  int   // output rows at a time
	line  int   // elements of such a band

	grad     sheet
	gradBand int
	gradLine int
	back     []backPhase
}

// NewConv binds a convolution, or returns nil where the window has three
// dimensions or views over its small or sparse planes would compute more that is
// dropped than is kept.
func NewConv[T Float](w *Window, groups, in, out int) *Conv[T] {
	z, y, x := w.axes()
	if z != (axis{taps: 1, stride: 1, dilation: 1, in: 1, out: 1}) {
		return nil
	}
	c := &Conv[T]{groups: groups, in: in, out: out, taps: w.Taps(), inLen: w.InLen(), outLen: w.OutLen(),
		y: y, x: x, ys: y.phases(), xs: x.phases()}
	c.image = imageSheet(&y, &x, c.ys, c.xs)
	c.grad = gradientSheet(&y, &x, c.ys, c.xs)
	if c.image.blocks(y.out, x.out)*viewBlock*7 > c.outLen*10 {
		return nil
	}
	c.part = make([]int, y.stride*x.stride)
	for i := range c.part {
		c.part[i] = -1
		if len(c.ys[i/x.stride].taps) > 0 && len(c.xs[i%x.stride].taps) > 0 {
			c.part[i] = c.parts
			c.parts++
		}
	}
	c.band = c.image.band(y.out, in*c.parts)
	c.line = c.image.blocks(c.band, x.out) * viewBlock
	for ch := range in {
		for ty := range y.taps {
			for tx := range x.taps {
				sy, sx := ty*y.dilation, tx*x.dilation
				part := c.part[sy%y.stride*x.stride+sx%x.stride]
				c.off = append(c.off, (ch*c.parts+part)*c.image.area+sy/y.stride*c.image.pitch+sx/x.stride)
			}
		}
	}
	c.bindBack()
	return c
}

// Scratch is the number of elements that the methods want.
func (c *Conv[T]) Scratch() int {
	rows := len(c.off)
	forward := c.imageLen() + c.out*rows + viewRows*c.line
	data := c.out*c.grad.area + c.out*rows + c.x.stride*viewRows*c.gradLine
	return max(forward, data, c.imageLen()+c.weightLen())
}

func (c *Conv[T]) imageLen() int { return c.in * c.parts * c.image.area }

// take cuts n elements off the scratch space.
func take[T Float](scratch *[]T, n int) []T {
	part := (*scratch)[:n:n]
	*scratch = (*scratch)[n:]
	return part
}

// Forward computes Y for several images, with bias[groups*out] unless that is nil.
func (c *Conv[T]) Forward(y, x, w, bias []T, images int, scratch []T) {
	rows := len(c.off)
	img, packed, lines := take(&scratch, c.imageLen()), take(&scratch, c.out*rows), take(&scratch, viewRows*c.line)
	clear(img)
	for g := range c.groups {
		for m, n := 0, 0; m < c.out; m += n {
			n = height(c.out-m, viewRows)
			p := packed[m*rows : (m+n)*rows]
			for i := range n {
				for j, v := range w[(g*c.out+m+i)*rows:][:rows] {
					p[j*n+i] = v
				}
			}
		}
		for i := range images {
			c.load(img, x[(i*c.groups+g)*c.in*c.inLen:][:c.in*c.inLen])
			var b []T
			if bias != nil {
				b = bias[g*c.out : (g+1)*c.out]
			}
			c.forwardImage(y[(i*c.groups+g)*c.out*c.outLen:][:c.out*c.outLen], img, packed, b, lines)
		}
	}
}

// forwardImage computes a group of one image.
func (c *Conv[T]) forwardImage(y, img, packed, bias, lines []T) {
	rows := len(c.off)
	for at := 0; at < c.y.out; at += c.band {
		band := min(c.band, c.y.out-at)
		blocks := c.image.blocks(band, c.x.out)
		for m, n := 0, 0; m < c.out; m += n {
			n = height(c.out-m, viewRows)
			views(n, blocks, packed[m*rows:(m+n)*rows], img[at*c.image.pitch:], c.off, lines, c.line)
			for i := range n {
				var b T
				if bias != nil {
					b = bias[m+i]
				}
				moveRows(band, c.x.out, y[(m+i)*c.outLen+at*c.x.out:], c.x.out, lines[i*c.line:], c.image.pitch, b)
			}
		}
	}
}

// load copies a group of one image between the zeros of its sheet.
func (c *Conv[T]) load(img, x []T) {
	for ch := range c.in {
		src := x[ch*c.inLen : (ch+1)*c.inLen]
		for ry := range c.ys {
			py := &c.ys[ry]
			if !py.used() {
				continue
			}
			src, ss := src[py.at*c.x.in:], c.y.stride*c.x.in
			dst := func(rx int) []T {
				part := ch*c.parts + c.part[ry*c.x.stride+rx]
				return img[part*c.image.area+py.first*c.image.pitch+c.xs[rx].first:]
			}
			switch even, odd, pairs := c.pairs(); {
			case c.x.stride == 1:
				moveRows(py.n, c.x.in, dst(0), c.image.pitch, src, ss, 0)
			case pairs > 0:
				splitRows(py.n, pairs, dst(even), dst(odd), c.image.pitch, src, ss)
				if c.x.in > 2*pairs {
					pickRows(py.n, 1, dst(even)[pairs:], c.image.pitch, src[2*pairs:], ss, 1)
				}
			default:
				for rx := range c.xs {
					if px := &c.xs[rx]; px.used() {
						pickRows(py.n, px.n, dst(rx), c.image.pitch, src[px.at:], ss, c.x.stride)
					}
				}
			}
		}
	}
}

// pairs is half the length of an input row, and the residues of its even and odd
// elements, where the stride is two and taps meet both; zero otherwise.
func (c *Conv[T]) pairs() (even, odd, n int) {
	if c.x.stride != 2 || !c.xs[0].used() || !c.xs[1].used() {
		return 0, 0, 0
	}
	if c.xs[0].at > c.xs[1].at {
		return 1, 0, c.x.in / 2
	}
	return 0, 1, c.x.in / 2
}
