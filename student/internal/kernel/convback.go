// SPDX-License-Identifier: Apache-2.0

package kernel

// backPhase is a residue of the input. What reaches it of the output's gradient
// is a convolution of stride one.
type backPhase struct {
	y, x   *phase
	taps   []int // tap indices
	off    []int // where the views of its matrix begin, taps fastest
	packed int   // where its kernels begin
	column int   // its x residue
}

// bindBack lists the residues, those of one y together.
func (c *Conv[T]) bindBack() {
	at, rows := 0, 1
	for ry := range c.ys {
		for rx := range c.xs {
			py, px := &c.ys[ry], &c.xs[rx]
			if !py.used() || !px.used() {
				continue
			}
			rows = max(rows, py.n)
			b := backPhase{y: py, x: px, packed: at, column: rx}
			for m := range c.out {
				for i, ty := range py.taps {
					for j, tx := range px.taps {
						if m == 0 {
							b.taps = append(b.taps, ty*c.x.taps+tx)
						}
						b.off = append(b.off, m*c.grad.area+(c.grad.top+py.first-py.shift[i])*c.grad.pitch+c.grad.left+px.first-px.shift[j])
					}
				}
			}
			at += c.in * len(b.off)
			c.back = append(c.back, b)
		}
	}
	c.gradBand = c.grad.band(rows, c.out)
	for i := range c.back {
		c.gradLine = max(c.gradLine, c.grad.blocks(c.gradBand, c.back[i].x.n)*viewBlock)
	}
}

// Data adds to dx the gradient with respect to several images, given the gradient
// dy of their outputs.
func (c *Conv[T]) Data(dx, dy, w []T, images int, scratch []T) {
	sheet, packed, lines := take(&scratch, c.out*c.grad.area), take(&scratch, c.in*c.out*c.taps), take(&scratch, c.x.stride*viewRows*c.gradLine)
	clear(sheet)
	for g := range c.groups {
		c.packBack(packed, w[g*c.out*len(c.off):(g+1)*c.out*len(c.off)])
		for i := range images {
			from := dy[(i*c.groups+g)*c.out*c.outLen:][:c.out*c.outLen]
			for m := range c.out {
				moveRows(c.y.out, c.x.out, sheet[m*c.grad.area+c.grad.top*c.grad.pitch+c.grad.left:], c.grad.pitch, from[m*c.outLen:], c.x.out, 0)
			}
			c.dataImage(dx[(i*c.groups+g)*c.in*c.inLen:][:c.in*c.inLen], sheet, packed, lines)
		}
	}
}

// packBack packs the kernels of a group as views want them, phase after phase.
func (c *Conv[T]) packBack(packed, w []T) {
	for i := range c.back {
		b := &c.back[i]
		rows := len(b.off)
		for ch, n := 0, 0; ch < c.in; ch += n {
			n = height(c.in-ch, viewRows)
			for r := range n {
				p := b.packed + ch*rows + r
				for m := range c.out {
					k := w[(m*c.in+ch+r)*c.taps:][:c.taps]
					for _, t := range b.taps {
						packed[p] = k[t]
						p += n
					}
				}
			}
		}
	}
}

// dataImage adds to the gradient of a group of one image.
func (c *Conv[T]) dataImage(dx, sheet, packed, lines []T) {
	for first := 0; first < len(c.back); {
		end := first + 1
		for end < len(c.back) && c.back[end].y == c.back[first].y {
			end++
		}
		phases := c.back[first:end]
		py := phases[0].y
		for at := 0; at < py.n; at += c.gradBand {
			band := min(c.gradBand, py.n-at)
			for ch, n := 0, 0; ch < c.in; ch += n {
				n = height(c.in-ch, viewRows)
				for i := range phases {
					b := &phases[i]
					rows := len(b.off)
					views(n, c.grad.blocks(band, b.x.n), packed[b.packed+ch*rows:][:n*rows], sheet[at*c.grad.pitch:], b.off,
						lines[b.column*viewRows*c.gradLine:], c.gradLine)
				}
				for r := range n {
					c.spread(dx[(ch+r)*c.inLen+(py.at+at*c.y.stride)*c.x.in:(ch+r+1)*c.inLen], lines[r*c.gradLine:], band, phases)
				}
			}
		}
		first = end
	}
}

// spread adds the rows of the phases of one y residue to those of the input that
// they belong to.
func (c *Conv[T]) spread(dx, lines []T, rows int, phases []backPhase) {
	ds, column := c.y.stride*c.x.in, viewRows*c.gradLine
	switch even, odd, pairs := c.pairs(); {
	case c.x.stride == 1:
		addRows(rows, c.x.in, dx, ds, lines, c.grad.pitch)
	case pairs > 0:
		mergeRows(rows, pairs, dx, ds, lines[even*column:], lines[odd*column:], c.grad.pitch)
		if c.x.in > 2*pairs {
			spreadRows(rows, 1, dx[2*pairs:], ds, lines[even*column+pairs:], c.grad.pitch, 1)
		}
	default:
		for i := range phases {
			b := &phases[i]
			spreadRows(rows, b.x.n, dx[b.x.at:], ds, lines[b.column*column:], c.grad.pitch, c.x.stride)
		}
	}
}
