// SPDX-License-Identifier: Apache-2.0

package kernel

import "sync"

// Sizes of the blocks of a product. A panel of B, maxDepth rows by one tile,
// stays in the innermost cache while the panels of A pass by; a block of A stays
// in the second; a block of B in the third.
const (
	maxDepth = 320
	maxRows  = 96
	maxCols  = 1024
	maxTile  = 12 * 32
)

// tiling is a product built from tiles of C that are held in registers.
type tiling struct {
	rows, cols int // of the largest tile
	// tile and transpose have the meaning of tileGo and transposeGo.
	tile      func(rows, k int, a []float32, ars, acs int, b []float32, bs int, c []float32, ldc int, alpha, beta float32)
	transpose func(dst []float32, ds int, src []float32, ld, rows, cols int)
	pool      sync.Pool // of *panels
}

// panels is the memory of one product under way.
type panels struct {
	a, b []float32
	c    [maxTile]float32
}

// operand is a matrix as it lies in memory: element i, j at i*row + j*col.
type operand struct {
	data     []float32
	row, col int
}

func (o operand) from(i, j int) []float32 { return o.data[i*o.row+j*o.col:] }

func strided(trans bool, data []float32, ld int) operand {
	if trans {
		return operand{data, 1, ld}
	}
	return operand{data, ld, 1}
}

// gemm is Gemm for non-empty matrices.
func (t *tiling) gemm(transA, transB bool, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	p, _ := t.pool.Get().(*panels)
	if p == nil {
		p = new(panels)
	}
	oa, ob := strided(transA, a, lda), strided(transB, b, ldb)
	depth := even(k, maxDepth)
	for jc := 0; jc < n; jc += maxCols {
		nb := min(maxCols, n-jc)
		for pc := 0; pc < k; pc += depth {
			kb := min(depth, k-pc)
			scale := beta
			if pc > 0 {
				scale = 1
			}
			direct := t.packB(p, ob, pc, jc, kb, nb, m)
			for ic := 0; ic < m; ic += maxRows {
				mb := min(maxRows, m-ic)
				packed := t.packA(p, oa, ic, pc, mb, kb, n)
				for jr := 0; jr < nb; jr += t.cols {
					bp, bs := p.b[jr*kb:], t.cols
					if direct && jr+t.cols <= nb {
						bp, bs = ob.from(pc, jc+jr), ob.row
					}
					for ir, rows := 0, 0; ir < mb; ir += rows {
						rows = height(mb-ir, t.rows)
						ap, ars, acs := oa.from(ic+ir, pc), oa.row, oa.col
						if packed {
							ap, ars, acs = p.a[ir*kb:], 1, rows
						}
						cp := c[(ic+ir)*ldc+jc+jr:]
						if jr+t.cols <= nb {
							t.tile(rows, kb, ap, ars, acs, bp, bs, cp, ldc, alpha, scale)
						} else {
							t.edge(p, rows, nb-jr, kb, ap, ars, acs, bp, bs, cp, ldc, alpha, scale)
						}
					}
				}
			}
		}
	}
	t.pool.Put(p)
}

// edge computes a tile of which only the first cols columns exist.
func (t *tiling) edge(p *panels, rows, cols, k int, a []float32, ars, acs int, b []float32, bs int, c []float32, ldc int, alpha, beta float32) {
	if beta != 0 {
		for i := 0; i < rows; i++ {
			copy(p.c[i*t.cols:i*t.cols+cols], c[i*ldc:])
		}
	}
	t.tile(rows, k, a, ars, acs, b, bs, p.c[:], t.cols, alpha, beta)
	for i := 0; i < rows; i++ {
		copy(c[i*ldc:i*ldc+cols], p.c[i*t.cols:])
	}
}

// height is how many of the rows that are left the next tile takes, whose limit is
// most. Tiles of less than four rows leave the multipliers waiting for each
// other's sums.
func height(left, most int) int {
	if left <= most {
		return left
	}
	if left < most+4 {
		return (left + 1) / 2
	}
	return most
}

// even splits n into the fewest parts of at most limit and returns the size of
// the larger ones.
func even(n, limit int) int {
	parts := (n + limit - 1) / limit
	return (n + parts - 1) / parts
}
