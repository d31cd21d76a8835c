// SPDX-License-Identifier: Apache-2.0

package kernel

// packB copies rows [pc, pc+kb) and columns [jc, jc+nb) of op(B) into panels of
// t.cols columns, filled up with zeros. Where the tiles can read the matrix as it
// is, it says so and copies only the panel that needs filling up.
func (t *tiling) packB(p *panels, b operand, pc, jc, kb, nb, m int) (direct bool) {
	direct = b.col == 1 && (m <= 2*t.rows || m <= directRows && kb*crowding(b.row) <= 400)
	p.b = grow(p.b, (nb+t.cols-1)/t.cols*t.cols*kb)
	jr := 0
	if direct {
		jr = nb / t.cols * t.cols
	}
	for ; jr < nb; jr += t.cols {
		dst, src := p.b[jr*kb:(jr+t.cols)*kb], b.from(pc, jc+jr)
		w := min(t.cols, nb-jr)
		if w < t.cols {
			clear(dst)
		}
		if b.col == 1 {
			copyPanel(dst, t.cols, src, b.row, kb, w)
		} else {
			t.transpose(dst, t.cols, src, b.col, w, kb)
		}
	}
	return direct
}

// directRows is up to how many rows of A reading B in place is cheaper than
// packing it first.
const directRows = 144

// crowding is how many times fewer lines of the innermost cache rows ld elements
// apart can lie in, because their addresses repeat modulo 4096 bytes.
func crowding(ld int) int {
	return max(1, min(ld&-ld, 1024)/16)
}

// packA copies rows [ic, ic+mb) and columns [pc, pc+kb) of op(A) into panels as
// high as the tiles that will read them, if A is transposed and many tiles will.
// Otherwise reading A in place is as fast.
func (t *tiling) packA(p *panels, a operand, ic, pc, mb, kb, n int) bool {
	if a.row != 1 || n < packCols {
		return false
	}
	p.a = grow(p.a, mb*kb)
	for ir, rows := 0, 0; ir < mb; ir += rows {
		rows = height(mb-ir, t.rows)
		copyPanel(p.a[ir*kb:(ir+rows)*kb], rows, a.from(ic+ir, pc), a.col, kb, rows)
	}
	return true
}

// packCols is from how many columns of C on packing a transposed A pays.
const packCols = 256

// copyPanel copies rows of width elements, ld apart, to rows ds apart.
func copyPanel(dst []float32, ds int, src []float32, ld, rows, width int) {
	if width == 16 && ds == 16 {
		for r := 0; r < rows; r++ {
			*(*[16]float32)(dst[r*16:]) = *(*[16]float32)(src[r*ld:])
		}
		return
	}
	for r := 0; r < rows; r++ {
		copy(dst[r*ds:r*ds+width], src[r*ld:])
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
