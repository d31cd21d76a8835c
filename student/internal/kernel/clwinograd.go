// SPDX-License-Identifier: Apache-2.0

package kernel

const (
	winogradLeast = 8       // channels on either side
	winogradBlock = 1 << 12 // tiles times channels that are transformed at a time
	winogradTile  = 4       // outputs a tile along either axis
	winogradRim   = 2       // a tile's inputs beyond them
	planes        = 36      // products a tile
)

// winogradConv is a convolution of 3x3 taps, stride and dilation one, by Winograd's
// minimal filtering: images, kernels and gradients become 36 planes in which a
// convolution is a product of matrices. Tiles are taken several rows and images at
// a time, so that the products are large and their operands stay in the cache.
type winogradConv[T Float] struct {
	c                     *ConvLast[T]
	block                 int // tiles at a time
	forwardY, forwardX    int // tiles of an output
	backY, backX          int // tiles of an input's gradient
	image, grad           sheetLast
	outWidth, inWidth     int
	packedLen, kernelsLen int
}

// newWinogradConv binds c, or returns nil where it does not apply.
func newWinogradConv[T Float](c *ConvLast[T]) *winogradConv[T] {
	for _, a := range []axis{c.y, c.x} {
		if a.taps != 3 || a.stride != 1 || a.dilation != 1 || a.out < 3 || a.in < 3 || a.pad > 2 {
			return nil
		}
	}
	if c.in < winogradLeast || c.out < winogradLeast {
		return nil
	}
	tiles := func(n int) int { return (n + winogradTile - 1) / winogradTile }
	f := &winogradConv[T]{c: c, forwardY: tiles(c.y.out), forwardX: tiles(c.x.out), backY: tiles(c.y.in), backX: tiles(c.x.in),
		outWidth: widthOf(c.panels), inWidth: widthOf(c.sides)}
	f.image = sheetLast{top: c.y.pad, left: c.x.pad,
		rows:  max(winogradTile*f.forwardY+winogradRim, c.y.pad+c.y.in),
		pitch: max(winogradTile*f.forwardX+winogradRim, c.x.pad+c.x.in)}
	top, left := 2-c.y.pad, 2-c.x.pad
	f.grad = sheetLast{top: top, left: left,
		rows:  max(winogradTile*f.backY+winogradRim, winogradTile*f.forwardY+top),
		pitch: max(winogradTile*f.backX+winogradRim, winogradTile*f.forwardX+left)}
	f.block = max(winogradBlock/max(c.in, c.out), f.forwardX, f.backX)
	f.packedLen = planes * c.in * f.outWidth
	f.kernelsLen = planes * c.out * f.inWidth
	return f
}

// together is the images of a block.
func (f *winogradConv[T]) together() int {
	tiles := f.forwardY * f.forwardX
	return max(1, min(8, (f.block+tiles-1)/tiles))
}

func (f *winogradConv[T]) scratch() int {
	c := f.c
	rows := winogradTile * max(f.forwardX*c.out, f.backX*c.in) * winogradTile
	sheets := f.image.area()*c.in + f.grad.area()*c.out
	return transformScratch + sheets + rows + planes*f.block*(c.in+c.out) + 2*c.taps*c.in*c.out
}

// space is the scratch space cut into parts.
type space[T Float] struct {
	transform      []T
	image, grad    []T // sheets of one image
	row            []T // a row of tiles in pixels
	left, right    []T // planes of a block: of the inputs, of the outputs
	kernels, other []T
}

func (f *winogradConv[T]) cut(scratch []T) (s space[T]) {
	c := f.c
	s.transform = take(&scratch, transformScratch)
	s.image, s.grad = take(&scratch, f.image.area()*c.in), take(&scratch, f.grad.area()*c.out)
	s.row = take(&scratch, winogradTile*max(f.forwardX*c.out, f.backX*c.in)*winogradTile)
	s.left, s.right = take(&scratch, planes*f.block*c.in), take(&scratch, planes*f.block*c.out)
	s.kernels, s.other = take(&scratch, c.taps*c.in*c.out), take(&scratch, c.taps*c.in*c.out)
	return s
}

func (f *winogradConv[T]) forward(s *shardLast[T], first bool, y, x, w, bias []T, images int, scratch []T) {
	c, p := f.c, f.cut(scratch)
	if first {
		f.packForward(s, &p, w)
	}
	clear(p.image)
	perBlock := f.block / f.forwardX
	rows := images * f.forwardY
	for from := 0; from < rows; from += perBlock {
		n := min(perBlock, rows-from)
		for r := range n {
			i, ty := (from+r)/f.forwardY, (from+r)%f.forwardY
			if ty == 0 {
				fill(p.image, x[i*c.inLen*c.in:], &f.image, c.y.in, c.x.in, c.in)
			}
			f.toPlanes(s, &p, winogradInput, f.forwardX, p.left, r*f.forwardX, c.in, p.image, f.image.pitch, ty*winogradTile, 0)
		}
		f.products(s, p.right, p.left, s.forward, n*f.forwardX, c.in, c.out, c.panels)
		for r := range n {
			i, ty := (from+r)/f.forwardY, (from+r)%f.forwardY
			f.toPixels(s, &p, y[i*c.outLen*c.out:], p.right, r*f.forwardX, f.forwardX, ty, c.y.out, c.x.out, c.out, bias, c.relu, false)
		}
	}
}

func (f *winogradConv[T]) backward(s *shardLast[T], g *GradLast[T], scratch []T) {
	c, p := f.c, f.cut(scratch)
	if s.waste == nil {
		s.waste = make([]T, c.out)
	}
	clear(p.image)
	clear(p.grad)
	db := g.DB
	if g.DX != nil {
		if g.First {
			f.packBack(s, &p, g.W)
		}
		perBlock := f.block / f.backX
		rows := g.Images * f.backY
		for from := 0; from < rows; from += perBlock {
			n := min(perBlock, rows-from)
			for r := range n {
				i, ty := (from+r)/f.backY, (from+r)%f.backY
				if ty == 0 {
					spreadGradient(p.grad, g, s.waste, i, &f.grad, c.y.out, c.x.out, c.out)
				}
				f.toPlanes(s, &p, winogradInput, f.backX, p.right, r*f.backX, c.out, p.grad, f.grad.pitch, ty*winogradTile, 0)
			}
			f.products(s, p.left, p.right, s.back, n*f.backX, c.out, c.in, c.sides)
			for r := range n {
				i, ty := (from+r)/f.backY, (from+r)%f.backY
				f.toPixels(s, &p, g.DX[i*c.inLen*c.in:], p.left, r*f.backX, f.backX, ty, c.y.in, c.x.in, c.in, nil, false, !g.Set)
			}
		}
		g.DB = nil
	}
	if g.DW != nil || g.DB != nil {
		f.weights(s, g, &p)
	}
	g.DB = db
}

// weights adds the gradient of the kernels, in planes until the last slice.
func (f *winogradConv[T]) weights(s *shardLast[T], g *GradLast[T], p *space[T]) {
	c := f.c
	if s.sums = grow(s.sums, f.packedLen); g.First {
		clear(s.sums)
	}
	perBlock := f.block / f.forwardX
	rows := g.Images * f.forwardY
	for from := 0; from < rows; from += perBlock {
		n := min(perBlock, rows-from)
		for r := range n {
			i, ty := (from+r)/f.forwardY, (from+r)%f.forwardY
			if ty == 0 {
				fill(p.image, g.X[i*c.inLen*c.in:], &f.image, c.y.in, c.x.in, c.in)
				spreadGradient(p.grad, g, s.waste, i, &f.grad, c.y.out, c.x.out, c.out)
			}
			f.toPlanes(s, p, winogradInput, f.forwardX, p.left, r*f.forwardX, c.in, p.image, f.image.pitch, ty*winogradTile, 0)
			f.toPlanes(s, p, winogradGradient, f.forwardX, p.right, r*f.forwardX, c.out, p.grad, f.grad.pitch, f.grad.top+ty*winogradTile, f.grad.left)
		}
		o := &s.outers
		for plane := range planes {
			for _, q := range c.panels {
				*o = outers[T]{ahead: s.ahead, rows: c.in, lines: 1, pixel: n * f.forwardX,
					a: p.left[plane*f.block*c.in:], as: c.in, d: p.right[plane*f.block*c.out+q.at:], ds: c.out,
					c: s.sums[(plane*f.outWidth+q.before)*c.in:], width: q.width, cols: q.cols}
				o.run()
			}
		}
	}
	if g.Last && g.DW != nil {
		f.unpack(s, p, g.DW)
	}
}

// toPlanes transforms a row of tiles of a sheet, from pixel row, col on, to the
// planes of a block, from tile at on.
func (f *winogradConv[T]) toPlanes(s *shardLast[T], p *space[T], kind, tiles int, dst []T, at, channels int, sheet []T, pitch, row, col int) {
	t := &s.transform
	plane := f.block * channels
	*t = transform[T]{kind: kind, tiles: tiles, channels: channels,
		in: sheet[(row*pitch+col)*channels:], inRow: pitch * channels, inCol: channels, inTile: winogradTile * channels,
		out: dst[at*channels:], outRow: 6 * plane, outCol: plane, outTile: channels}
	t.run(p.transform)
}

// products multiplies the planes of a block by those of the kernels.
func (f *winogradConv[T]) products(s *shardLast[T], dst, src, kernels []T, tiles, from, to int, panels []panel) {
	l, width := &s.lines, widthOf(panels)
	for plane := range planes {
		for _, q := range panels {
			*l = lines[T]{pixels: tiles, a: src[plane*f.block*from:], as: from, off: origin[:], steps: from, ahead: s.ahead,
				b: kernels[(plane*width+q.before)*from:], c: dst[plane*f.block*to+q.at:], cs: to, width: q.width, cols: q.cols}
			l.run(origin[:])
		}
	}
}

// origin is the only segment of a product.
var origin = [1]int{}

// toPixels transforms a row of tiles from planes to an image of rows by cols, to
// which it is added where asked.
func (f *winogradConv[T]) toPixels(s *shardLast[T], p *space[T], image, src []T, at, tiles, ty, rows, cols, channels int, bias []T, relu, add bool) {
	t := &s.transform
	plane := f.block * channels
	*t = transform[T]{kind: winogradOutput, tiles: tiles, channels: channels,
		in: src[at*channels:], inRow: 6 * plane, inCol: plane, inTile: channels,
		outCol: channels, outTile: winogradTile * channels, bias: bias, relu: relu}
	out := image[ty*winogradTile*cols*channels:]
	high := min(winogradTile, rows-ty*winogradTile)
	if !add && high == winogradTile && cols == tiles*winogradTile {
		t.out, t.outRow = out, cols*channels
		t.run(p.transform)
		return
	}
	line := tiles * winogradTile * channels
	t.out, t.outRow = p.row, line
	t.run(p.transform)
	for r := range high {
		if add {
			Add(out[r*cols*channels:][:cols*channels], p.row[r*line:])
		} else {
			copy(out[r*cols*channels:][:cols*channels], p.row[r*line:])
		}
	}
}

// packForward transforms the kernels to planes of panels of outputs.
func (f *winogradConv[T]) packForward(s *shardLast[T], p *space[T], w []T) {
	c := f.c
	s.forward = grow(s.forward, f.packedLen)
	turn(p.kernels, c.out, w, c.in*c.taps, c.out, c.in*c.taps)
	f.pack(s, p, s.forward, c.in, c.out, c.panels, f.outWidth)
}

// packBack transforms the kernels, turned by half a circle, to planes of panels of
// inputs.
func (f *winogradConv[T]) packBack(s *shardLast[T], p *space[T], w []T) {
	c := f.c
	s.back = grow(s.back, f.kernelsLen)
	for m := range c.out {
		k := p.kernels[m*c.taps*c.in:]
		turn(k, c.in, w[m*c.in*c.taps:], c.taps, c.in, c.taps)
		for t := range c.taps / 2 {
			a, b := k[t*c.in:][:c.in], k[(c.taps-1-t)*c.in:][:c.in]
			for i := range a {
				a[i], b[i] = b[i], a[i]
			}
		}
	}
	f.pack(s, p, s.back, c.out, c.in, c.sides, f.inWidth)
}

// pack transforms p.kernels[from, taps, to] to planes of panels.
func (f *winogradConv[T]) pack(s *shardLast[T], p *space[T], dst []T, from, to int, panels []panel, width int) {
	t := &s.transform
	for _, q := range panels {
		*t = transform[T]{kind: winogradKernel, tiles: from, channels: q.cols,
			in: p.kernels[q.at:], inRow: 3 * to, inCol: to, inTile: 9 * to,
			out: dst[q.before*from:], outRow: 6 * width * from, outCol: width * from, outTile: q.width}
		t.run(p.transform)
	}
}

// unpack transforms the gradient back and adds it to dw.
func (f *winogradConv[T]) unpack(s *shardLast[T], p *space[T], dw []T) {
	c, t := f.c, &s.transform
	for _, q := range c.panels {
		*t = transform[T]{kind: winogradWeight, tiles: c.in, channels: q.cols,
			in: s.sums[q.before*c.in:], inRow: 6 * f.outWidth * c.in, inCol: f.outWidth * c.in, inTile: q.width,
			out: p.kernels[q.at:], outRow: 3 * c.out, outCol: c.out, outTile: 9 * c.out}
		t.run(p.transform)
	}
	turn(p.other, c.in*c.taps, p.kernels, c.out, c.in*c.taps, c.out)
	Add(dw[:c.out*c.in*c.taps], p.other)
}
