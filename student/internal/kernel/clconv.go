// SPDX-License-Identifier: Apache-2.0

package kernel

// ConvLast is a convolution of channels-last images X[y, x, in] with kernels
// W[out, in, taps] to Y[y, x, out], bound to its geometry, optionally with a Relu
// behind it. Channels are the vectors of its loops, so nothing is gathered: a
// pixel's neighbours along x under the window are one run over memory. Kernels of
// 3x3 and stride one go by Winograd's minimal filtering where channels are many. With
// operands in bfloat16 windows without gaps are rows of a matrix.
//
// Kernels are packed at the first slice of a run, and their gradient is added up
// in packed form until the last one; shards have their own. The scratch space its
// methods want is Scratch elements of any content. Results depend on nothing but
// the operands, the slices and the instruction set.
type ConvLast[T Float] struct {
	in, out       int
	taps          int
	inLen, outLen int // pixels
	y, x          axis
	relu          bool
	flat          bool // one tap that meets every pixel once
	fast          *winogradConv[T]
	half          bool // operands are rounded to bfloat16

	image  sheetLast
	off    runs
	panels []panel // of the outputs

	grad  sheetLast
	back  []backLast
	holes bool // pixels of the input meet no output
	sides []panel
	width int // of all panels of the inputs

	shards []shardLast[T]
}

// sheetLast lays pixels out between zeros, pitch pixels from row to row.
type sheetLast struct {
	pitch, rows int
	top, left   int
	plain       bool // there are no zeros: the image itself serves
}

func (s *sheetLast) area() int { return s.pitch * s.rows }

// runs are where the segments of a strip begin, in elements and in bytes of
// float32, and how long each is.
type runs struct {
	off, bytes []int
	steps      int
}

func (r *runs) add(off int) {
	r.off, r.bytes = append(r.off, off), append(r.bytes, 4*off)
}

// panel is a part of the channels as wide as one tile of the loops.
type panel struct{ at, cols, width, before int }

// panels cuts channels into parts of two vectors and at most one of one vector.
func panelsOf(channels int) (list []panel) {
	before, n := 0, lanes()
	for at := 0; at < channels; at += 2 * n {
		cols := min(2*n, channels-at)
		width := (cols + n - 1) / n * n
		list = append(list, panel{at, cols, width, before})
		before += width
	}
	return list
}

// widthOf is the width of all panels together.
func widthOf(list []panel) int {
	last := list[len(list)-1]
	return last.before + last.width
}

// backLast is a residue of the input's pixels: what reaches it of the output's
// gradient is a convolution of stride one.
type backLast struct {
	y, x   *phase
	taps   []int // tap indices, in the order of the segments' parts
	off    runs
	packed int // where its kernels begin
}

// shardLast is what one shard packs and adds up, and its views of the loops.
type shardLast[T Float] struct {
	forward, back, sums []T // packed kernels for either direction, their gradient
	waste               []T // sums over pixels that nobody wants
	lines               lines[T]
	ahead               *Ahead[T] // asked for meanwhile
	outers              outers[T]
	transform           transform[T]
}

// NewConvLast binds a convolution for a number of shards, with a Relu behind it if
// asked. It returns nil for windows of three dimensions or with so much padding
// that a whole window fits in it. With bf16, operands are rounded to bfloat16 where
// that is faster: not where Winograd's filtering applies, which needs the digits and
// saves more.
func NewConvLast[T Float](w *Window, in, out int, relu bool, shards int, bf16 bool) *ConvLast[T] {
	return newConvLast[T](w, in, out, relu, shards, true, bf16)
}

// newConvLast is NewConvLast, with Winograd's filtering where it applies or without.
func newConvLast[T Float](w *Window, in, out int, relu bool, shards int, filter, bf16 bool) *ConvLast[T] {
	z, y, x := w.axes()
	if z != (axis{taps: 1, stride: 1, dilation: 1, in: 1, out: 1}) {
		return nil
	}
	for _, a := range []axis{y, x} {
		if a.pad > (a.taps-1)*a.dilation {
			return nil
		}
	}
	c := &ConvLast[T]{in: in, out: out, taps: w.Taps(), inLen: w.InLen(), outLen: w.OutLen(), y: y, x: x, relu: relu,
		panels: panelsOf(out), sides: panelsOf(in), shards: make([]shardLast[T], max(shards, 1))}
	if filter {
		if c.fast = newWinogradConv(c); c.fast != nil {
			return c
		}
	}
	c.image = sheetLast{pitch: max((x.out-1)*x.stride+(x.taps-1)*x.dilation+1, x.pad+x.in),
		rows: max((y.out-1)*y.stride+(y.taps-1)*y.dilation+1, y.pad+y.in), top: y.pad, left: x.pad}
	c.image.plain = c.image.pitch == x.in && c.image.rows == y.in
	c.flat = c.image.plain && c.taps == 1 && y.stride == 1 && x.stride == 1
	c.off.steps = in
	if x.dilation == 1 {
		c.off.steps = in * x.taps
	}
	for ty := range y.taps {
		for tx := range x.taps {
			if x.dilation > 1 || tx == 0 {
				c.off.add((ty*y.dilation*c.image.pitch + tx*x.dilation) * in)
			}
		}
	}
	if c.half = bf16 && c.windows(); c.half {
		c.panels, c.sides = whole(out), whole(in)
	}
	c.width = widthOf(c.sides)
	c.bindBack()
	return c
}

// bindBack lists the residues of the input and lays out the sheet of the gradient.
func (c *ConvLast[T]) bindBack() {
	ys, xs := c.y.phases(), c.x.phases()
	g := &c.grad
	g.rows, g.pitch = c.y.out, c.x.out
	for i := range ys {
		if p := &ys[i]; p.used() {
			g.top = max(g.top, p.most-p.first)
			g.rows = max(g.rows, p.n+p.first-p.least)
		}
	}
	for i := range xs {
		if p := &xs[i]; p.used() {
			g.left = max(g.left, p.most-p.first)
			g.pitch = max(g.pitch, p.n+p.first-p.least)
		}
	}
	g.rows, g.pitch = g.rows+g.top, g.pitch+g.left
	g.plain = g.rows == c.y.out && g.pitch == c.x.out
	covered := 0
	for i := range ys {
		for j := range xs {
			py, px := &ys[i], &xs[j]
			if !py.used() || !px.used() {
				continue
			}
			covered += py.n * px.n
			b := backLast{y: py, x: px, packed: c.width * c.out * c.packedTaps()}
			group := 1 // taps a segment
			if n := len(px.taps); n > 1 && px.shift[1]-px.shift[0] == 1 {
				group = n
			}
			b.off.steps = group * c.out
			for a, ty := range py.taps {
				for e := len(px.taps); e > 0; e -= group {
					b.off.add(((g.top+py.first-py.shift[a])*g.pitch + g.left + px.first - px.shift[e-1]) * c.out)
					for k := range group {
						b.taps = append(b.taps, ty*c.x.taps+px.taps[e-1-k])
					}
				}
			}
			c.back = append(c.back, b)
		}
	}
	c.holes = covered < c.inLen
}

// packedTaps is how many taps the residues listed so far have.
func (c *ConvLast[T]) packedTaps() (n int) {
	for i := range c.back {
		n += len(c.back[i].taps)
	}
	return n
}

// Together is how many images a slice should hold at least: fewer leave the loops
// with short strips.
func (c *ConvLast[T]) Together() int {
	if c.fast != nil {
		return c.fast.together()
	}
	return 1
}

// Scratch is the number of elements that the methods want.
func (c *ConvLast[T]) Scratch() int {
	if c.fast != nil {
		return c.fast.scratch()
	}
	return c.image.area()*c.in + c.grad.area()*c.out + c.taps*c.in*widthOf(c.panels)
}

// Forward computes Y for several images, with bias[out] unless that is nil. First
// says that the kernels may differ from those of the call before.
func (c *ConvLast[T]) Forward(shard int, first bool, y, x, w, bias []T, images int, scratch []T) {
	s := &c.shards[shard]
	if c.fast != nil {
		c.fast.forward(s, first, y, x, w, bias, images, scratch)
		return
	}
	if first {
		c.packForward(s, w)
	}
	if c.flat {
		c.strips(s, y, x, bias, images*c.outLen, 0)
		return
	}
	img := x
	if !c.image.plain {
		img = take(&scratch, c.image.area()*c.in)
		clear(img)
	}
	for i := range images {
		if c.image.plain {
			img = x[i*c.inLen*c.in:]
		} else {
			fill(img, x[i*c.inLen*c.in:], &c.image, c.y.in, c.x.in, c.in)
		}
		for row := range c.y.out {
			c.strips(s, y[(i*c.outLen+row*c.x.out)*c.out:], img, bias, c.x.out, row*c.y.stride*c.image.pitch*c.in)
		}
	}
}

// strips computes a line of outputs, all panels of them, from element at of img on.
func (c *ConvLast[T]) strips(s *shardLast[T], y, img, bias []T, pixels, at int) {
	if c.half {
		c.halfStrip(s, y, img[at:], bias, pixels)
		return
	}
	l := &s.lines
	for _, p := range c.panels {
		*l = lines[T]{pixels: pixels, a: img[at:], as: c.x.stride * c.in, off: c.off.off, steps: c.off.steps, ahead: s.ahead,
			b: s.forward[c.taps*c.in*p.before:], c: y[p.at:], cs: c.out, width: p.width, cols: p.cols, relu: c.relu}
		if bias != nil {
			l.bias = bias[p.at:]
		}
		l.run(c.off.bytes)
	}
}

// fill copies an image between the zeros of its sheet.
func fill[T Float](sheet, x []T, s *sheetLast, rows, cols, channels int) {
	for r := range rows {
		copy(sheet[((s.top+r)*s.pitch+s.left)*channels:], x[r*cols*channels:][:cols*channels])
	}
}

// packForward packs the kernels panel after panel, as strips read them.
func (c *ConvLast[T]) packForward(s *shardLast[T], w []T) {
	s.forward = grow(s.forward, c.taps*c.in*widthOf(c.panels))
	for _, p := range c.panels {
		dst := s.forward[c.taps*c.in*p.before:]
		for j := range p.cols {
			k := w[(p.at+j)*c.in*c.taps:][:c.in*c.taps]
			for ch := range c.in {
				for t, v := range k[ch*c.taps : (ch+1)*c.taps] {
					dst[(t*c.in+ch)*p.width+j] = v
				}
			}
		}
	}
}

// packBack packs the kernels for every residue, panel after panel of the inputs.
func (c *ConvLast[T]) packBack(s *shardLast[T], w []T) {
	s.back = grow(s.back, c.width*c.out*c.packedTaps())
	for i := range c.back {
		b := &c.back[i]
		for _, p := range c.sides {
			dst := s.back[b.packed+len(b.taps)*c.out*p.before:]
			for k, t := range b.taps {
				for m := range c.out {
					row := dst[(k*c.out+m)*p.width:][:p.cols]
					for j := range row {
						row[j] = w[(m*c.in+p.at+j)*c.taps+t]
					}
				}
			}
		}
	}
}

// SetAhead gives a shard the memory that its loops ask for while they calculate, from
// here on; nil is none.
func (c *ConvLast[T]) SetAhead(shard int, a *Ahead[T]) { c.shards[shard].ahead = a }
