// SPDX-License-Identifier: Apache-2.0

package kernel

// outers adds products of pixels to c: for row r and column j
//
//	c[r*width + j] += Σ over lines y and pixels x of a[r + ...] * d[j + ...]
//
// where a moves by as a pixel and askip more at the end of a line, d by ds and
// dskip. The columns are one or two vectors, width in all, of which d holds cols; the sum is
// taken before it is added.
type outers[T Float] struct {
	rows         int
	lines, pixel int // how many
	a            []T
	as, askip    int
	d            []T
	ds, dskip    int
	c            []T
	width, cols  int

	ahead *Ahead[T] // asked for meanwhile

	raw outers32
}

// outers32 is what the assembly sees of outers, as lines32 of lines.
type outers32 struct {
	lines, pixels int
	a             uintptr
	as, askip     int
	d             uintptr
	ds, dskip     int
	c             uintptr
	cs            int
	mask, last    int
	ahead         [2]pace
}

// run adds the products.
func (o *outers[T]) run() {
	if o.lines == 0 || o.pixel == 0 {
		return
	}
	f := lastsOf(o.a)
	if f == nil {
		outersGo(o)
		return
	}
	last := (o.lines-1)*(o.pixel*o.as+o.askip) + (o.pixel-1)*o.as + o.rows - 1
	_ = o.a[last]
	_ = o.c[o.rows*o.width-1]
	_ = o.d[(o.lines-1)*(o.pixel*o.ds+o.dskip)+(o.pixel-1)*o.ds+o.cols-1]
	width := o.width
	forms := f.outers[width/f.lanes-1]
	s := &o.raw
	*s = outers32{lines: o.lines, pixels: o.pixel, as: 4 * o.as, askip: 4 * o.askip,
		d: address(o.d), ds: 4 * o.ds, dskip: 4 * o.dskip, cs: 4 * width}
	s.mask, s.last = lastLanes(o.cols)
	n := (o.rows + len(forms) - 1) / len(forms)
	for i, at := 0, 0; i < n; i++ {
		rows := (o.rows - at) / (n - i)
		s.a, s.c = address(o.a[at:]), address(o.c[at*width:])
		s.ahead = [2]pace{o.ahead.take(o.lines * o.pixel), o.ahead.take(o.lines * o.pixel)}
		forms[rows-1](s)
		at += rows
	}
}

// outersGo is the plain form of outers.
func outersGo[T Float](o *outers[T]) {
	width := o.width
	sum := make([]T, o.cols)
	for r := range o.rows {
		clear(sum)
		a, d := r, 0
		for range o.lines {
			for range o.pixel {
				x := o.a[a]
				for j, v := range o.d[d : d+o.cols] {
					sum[j] += x * v
				}
				a, d = a+o.as, d+o.ds
			}
			a, d = a+o.askip, d+o.dskip
		}
		Add(o.c[r*width:][:o.cols], sum)
	}
}

// maskedCopy sets dst to src where y, if it is not nil, is positive and elsewhere
// to zero, pixel by pixel of channels elements, which lie ds apart in dst and
// without gaps in the others. It adds the sum over pixels to sum.
func maskedCopy[T Float](pixels, channels int, dst []T, ds int, src, y, sum []T) {
	if pixels == 0 {
		return
	}
	f := lastsOf(dst)
	if f != nil && ds == channels {
		_, _ = dst[(pixels-1)*ds+channels-1], src[pixels*channels-1]
		for c := 0; c < channels; c += f.lanes {
			var mask *float32
			if y != nil {
				mask = first(y[c:])
			}
			lanes, count := lastLanes(min(f.lanes, channels-c))
			f.maskedRow(pixels, channels, first(dst[c:]), first(src[c:]), mask, first(sum[c:]), lanes, count)
		}
		return
	}
	for p := range pixels {
		d := dst[p*ds:][:channels]
		for c, v := range src[p*channels:][:channels] {
			if y != nil && !(y[p*channels+c] > 0) {
				v = 0
			}
			d[c] = v
			sum[c] += v
		}
	}
}
