// SPDX-License-Identifier: Apache-2.0

package kernel

// block is a block of B as tiles read it: in panels as wide as a tile, one behind
// the other and filled up with zeros, but for its first columns where they are
// read in place.
type block struct {
	packed []float32
	whole  int // how many columns are read in place
	place  operand
}

// panel is where column j begins and how far apart its rows lie.
func (b *block) panel(j, k, cols int) ([]float32, int) {
	if j < b.whole {
		return b.place.data[j:], b.place.row
	}
	return b.packed[j*k:], cols
}

// packB packs the first k rows and n columns of b for a product of m rows, or
// leaves them in place if that is cheaper.
func (t *tiling) packB(p *panels, b operand, k, n, m int) block {
	p.b = grow(p.b, up(n, t.cols)*k)
	whole := 0
	if b.col == 1 && (m <= 2*t.rows || m <= directRows && (!t.narrow || b.row <= compact || k*crowding(b.row) <= 400)) {
		whole = n / t.cols * t.cols
	}
	t.pack(p.b, b, k, n, whole)
	return block{p.b, whole, b}
}

// pack copies the first k rows and n columns of b, but for the first skip columns.
func (t *tiling) pack(dst []float32, b operand, k, n, skip int) {
	for j := skip; j < n; j += t.cols {
		w := min(t.cols, n-j)
		panel := dst[j*k : (j+t.cols)*k]
		if w < t.cols {
			clear(panel)
		}
		if b.col == 1 {
			t.copy(panel, t.cols, b.from(0, j), b.row, k, w)
		} else {
			t.transpose(panel, t.cols, b.from(0, j), b.col, w, k)
		}
	}
}

// directRows is up to how many rows of A reading B in place is cheaper than
// packing it first.
const directRows = 160

// compact is up to how far apart rows of B may lie for a block of it to be read in
// any order.
const compact = 256

// packA copies the first m rows and k columns of a, which is transposed, into panels
// as high as the tiles that read them.
func (t *tiling) packA(p *panels, a operand, m, k int) {
	p.a = grow(p.a, m*k)
	for i, rows := 0, 0; i < m; i += rows {
		rows = height(m-i, t.rows)
		copyGo(p.a[i*k:], rows, a.from(i, 0), a.col, k, rows)
	}
}

// packCols is from how many columns of C on narrow tiles gain from packing a
// transposed A.
const packCols = 256

// crowding is how many times fewer lines of the innermost cache rows ld elements
// apart can lie in, because their addresses repeat modulo 4096 bytes.
func crowding(ld int) int {
	return max(1, min(ld&-ld, 1024)/16)
}

// copyGo copies rows of cols elements, ld apart, to rows ds apart.
func copyGo(dst []float32, ds int, src []float32, ld, rows, cols int) {
	for r := range rows {
		copy(dst[r*ds:r*ds+cols], src[r*ld:])
	}
}

// transposeGo copies element r, i of src[rows, cols], whose rows lie ld apart,
// to element i, r of dst, whose rows lie ds apart.
func transposeGo(dst []float32, ds int, src []float32, ld, rows, cols int) {
	for r := 0; r < rows; r++ {
		s := src[r*ld : r*ld+cols]
		d := dst[r:]
		for i, v := range s {
			d[i*ds] = v
		}
	}
}

// grow returns a slice of at least n elements, s itself where it suffices.
func grow[T Float](s []T, n int) []T {
	if cap(s) >= n {
		return s[:n]
	}
	return make([]T, n)
}
