// SPDX-License-Identifier: Apache-2.0

package kernel

import "sync"

// maxTile is how many elements the largest tile has.
const maxTile = 12 * 32

// tiling is a product built from tiles of C that are held in registers.
type tiling struct {
	name       string
	rows, cols int // of the largest tile
	// A block of B is depth rows by wide columns, which is a multiple of cols: it
	// stays in the second cache while the rows of A pass by.
	depth, wide int
	// narrow tiles read a single line of the cache from a row of B. Where those lie far
	// apart a panel of B should stay in the innermost cache while rows of A pass by.
	narrow bool
	// tile, copy and transpose have the meaning of tileGo, copyGo and transposeGo. A
	// tile that is not masked computes all its columns, whatever it is told.
	masked    bool
	tile      func(rows, cols, k int, a []float32, ars, acs int, b []float32, bs int, c []float32, ldc int, alpha, beta float32)
	copy      func(dst []float32, ds int, src []float32, ld, rows, cols int)
	transpose func(dst []float32, ds int, src []float32, ld, rows, cols int)
	pool      sync.Pool // of *panels
}

// fast is a tiling of this machine's best instruction set, or nil.
var fast = foremost(tilings)

// panels is the memory of one product under way.
type panels struct {
	a, b, c []float32
	tile    [maxTile]float32
}

func (t *tiling) panels() *panels {
	if p, _ := t.pool.Get().(*panels); p != nil {
		return p
	}
	return new(panels)
}

// operand is a matrix as it lies in memory: element i, j at i*row + j*col.
type operand struct {
	data     []float32
	row, col int
}

func (o operand) from(i, j int) []float32 { return o.data[i*o.row+j*o.col:] }

// at is the operand without its first i rows and j columns.
func (o operand) at(i, j int) operand { return operand{o.from(i, j), o.row, o.col} }

func (o operand) transposed() operand { return operand{o.data, o.col, o.row} }

func strided(trans bool, data []float32, ld int) operand {
	if trans {
		return operand{data, 1, ld}
	}
	return operand{data, ld, 1}
}

// tiledSgemm is Gemm for non-empty matrices by the tiling that suits them.
func tiledSgemm(transA, transB bool, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	rows, cols, apart := m, n, lda
	if flips(transB, m, n) {
		rows, cols, apart = n, m, ldb
	} else if transA {
		apart = 1
	}
	pick(rows, cols, apart).gemm(transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
}

// pick is the tiling that takes the fewest tiles. One of more than eight rows is
// out of the question where rows lie so far apart that they drive each other from
// the innermost cache.
func pick(rows, cols, apart int) *tiling {
	var least *tiling
	fewest := 0
	for _, t := range tilings {
		if t.rows > 8 && crowding(apart) == 64 {
			continue
		}
		tiles := (rows + t.rows - 1) / t.rows * ((cols + t.cols - 1) / t.cols)
		if least == nil || tiles < fewest {
			least, fewest = t, tiles
		}
	}
	return least
}

// gemm is Gemm for non-empty matrices.
func (t *tiling) gemm(transA, transB bool, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	p := t.panels()
	oa, ob := strided(transA, a, lda), strided(transB, b, ldb)
	if flips(transB, m, n) {
		t.flipped(p, m, n, k, alpha, oa, ob, beta, c, ldc)
	} else {
		t.product(p, m, n, k, alpha, oa, ob, beta, c, ldc)
	}
	t.pool.Put(p)
}

// product computes C block by block of B. Every sum runs over parts of t.depth.
func (t *tiling) product(p *panels, m, n, k int, alpha float32, a, b operand, beta float32, c []float32, ldc int) {
	depth := even(k, t.depth)
	wide := up(even(n, t.wide), t.cols)
	for jc := 0; jc < n; jc += wide {
		nb := min(wide, n-jc)
		for pc := 0; pc < k; pc += depth {
			kb := min(depth, k-pc)
			scale := beta
			if pc > 0 {
				scale = 1
			}
			pb := t.packB(p, b.at(pc, jc), kb, nb, m)
			if t.narrow && (pb.whole > 0 && b.row > compact || a.row == 1 && n >= packCols) {
				t.columns(p, m, nb, kb, a.at(0, pc), pb, c[jc:], ldc, alpha, scale)
			} else {
				t.block(p, m, nb, kb, a.at(0, pc), pb, c[jc:], ldc, alpha, scale)
			}
		}
	}
}

// block computes the product of a part of A and a block of B, row of tiles after row
// of tiles.
func (t *tiling) block(p *panels, m, n, k int, a operand, b block, c []float32, ldc int, alpha, beta float32) {
	for i, rows := 0, 0; i < m; i += rows {
		rows = height(m-i, t.rows)
		ai := a.from(i, 0)
		for j := 0; j < n; j += t.cols {
			bj, bs := b.panel(j, k, t.cols)
			if cols := min(t.cols, n-j); t.masked || cols == t.cols {
				t.tile(rows, cols, k, ai, a.row, a.col, bj, bs, c[i*ldc+j:], ldc, alpha, beta)
			} else {
				t.edge(p, rows, cols, k, ai, a.row, a.col, bj, bs, c[i*ldc+j:], ldc, alpha, beta)
			}
		}
	}
}

// blockRows is how many rows of A pass by a panel of B in columns.
const blockRows = 96

// columns is block, column of tiles after column of tiles, with A packed where it is
// transposed and many tiles read it.
func (t *tiling) columns(p *panels, m, n, k int, a operand, b block, c []float32, ldc int, alpha, beta float32) {
	packed := a.row == 1 && n >= packCols
	for ic := 0; ic < m; ic += blockRows {
		m := min(blockRows, m-ic)
		if packed {
			t.packA(p, a.at(ic, 0), m, k)
		}
		for j := 0; j < n; j += t.cols {
			bj, bs := b.panel(j, k, t.cols)
			for i, rows := 0, 0; i < m; i += rows {
				rows = height(m-i, t.rows)
				ai, ars, acs := a.from(ic+i, 0), a.row, a.col
				if packed {
					ai, ars, acs = p.a[i*k:], 1, rows
				}
				cij := c[(ic+i)*ldc+j:]
				if cols := min(t.cols, n-j); t.masked || cols == t.cols {
					t.tile(rows, cols, k, ai, ars, acs, bj, bs, cij, ldc, alpha, beta)
				} else {
					t.edge(p, rows, cols, k, ai, ars, acs, bj, bs, cij, ldc, alpha, beta)
				}
			}
		}
	}
}

// edge computes a tile of which only the first columns exist.
func (t *tiling) edge(p *panels, rows, cols, k int, a []float32, ars, acs int, b []float32, bs int, c []float32, ldc int, alpha, beta float32) {
	if beta != 0 {
		copyGo(p.tile[:], t.cols, c, ldc, rows, cols)
	}
	t.tile(rows, t.cols, k, a, ars, acs, b, bs, p.tile[:], t.cols, alpha, beta)
	copyGo(c, ldc, p.tile[:], t.cols, rows, cols)
}

// flips says whether a product is computed as the transpose of Bᵀ*Aᵀ: where B is
// transposed and large beside A.
func flips(transB bool, m, n int) bool { return transB && m <= flipRows && m < n/2 }

const flipRows = 256

// flipCols is how many columns of C are computed at a time in a flipped product.
const flipCols = 48

// flipped computes C from its transpose, the product of Bᵀ, whose rows are read
// where they lie, and Aᵀ, which is packed whole: less to pack where A has few rows.
func (t *tiling) flipped(p *panels, m, n, k int, alpha float32, a, b operand, beta float32, c []float32, ldc int) {
	depth := even(k, t.depth)
	a, b = a.transposed(), b.transposed()
	width := up(m, t.cols)
	p.b = grow(p.b, width*k)
	for pc := 0; pc < k; pc += depth {
		kb := min(depth, k-pc)
		t.pack(p.b[pc*width:], a.at(pc, 0), kb, m, 0)
	}
	p.c = grow(p.c, flipCols*m)
	for j := 0; j < n; j += flipCols {
		cols := min(flipCols, n-j)
		if beta != 0 {
			t.transpose(p.c, m, c[j:], ldc, m, cols)
		}
		for pc := 0; pc < k; pc += depth {
			kb := min(depth, k-pc)
			scale := beta
			if pc > 0 {
				scale = 1
			}
			t.block(p, cols, m, kb, b.at(j, pc), block{packed: p.b[pc*width:]}, p.c, m, alpha, scale)
		}
		t.transpose(c[j:], ldc, p.c, m, cols, m)
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

// up is the smallest multiple of unit that is not less than n.
func up(n, unit int) int { return (n + unit - 1) / unit * unit }
