// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"
	"sync"
)

// GemmBF16 is Gemm on operands that are rounded to bfloat16, to the nearest and
// ties to even, with sums in the precision of C. For float32 on machines with
// AVX512_BF16 it is up to twice as fast; elsewhere rounded copies go through
// Gemm. Rows of A may overlap: with lda less than its columns the next row begins
// within the one before.
func GemmBF16[T Float](transA, transB bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int) {
	if !begins(true, transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc) {
		return
	}
	if a, ok := any(a).([]float32); ok && FastBF16 {
		halves.gemm(transA, transB, m, n, k, float32(alpha), a, lda, any(b).([]float32), ldb, float32(beta), any(c).([]float32), ldc)
		return
	}
	ar, ac := stored(transA, m, k)
	br, bc := stored(transB, k, n)
	Gemm(transA, transB, m, n, k, alpha, rounded(a, lda, ar, ac), ac, rounded(b, ldb, br, bc), bc, beta, c, ldc)
}

// rounded is a copy of a matrix in the precision of bfloat16.
func rounded[T Float](src []T, ld, rows, cols int) []T {
	dst := make([]T, rows*cols)
	for r := range rows {
		for i, v := range src[r*ld:][:cols] {
			dst[r*cols+i] = T(BF16(float32(v)))
		}
	}
	return dst
}

// BF16 rounds a number to the nearest that bfloat16 holds, ties to even.
func BF16(x float32) float32 {
	if x != x {
		return x
	}
	b := math.Float32bits(x)
	return math.Float32frombits((b + 0x7fff + b>>16&1) &^ 0xffff)
}

// halfTiling is a product of pairs: elements p and p+1 of a sum lie in one word, and
// a tile adds both products at a time.
type halfTiling struct {
	tile func(rows, cols, pairs int, a []float32, ars, acs int, b []float32, bs int, c []float32, ldc int, alpha, beta float32)
	// rows rounds rows of cols elements to words, up to the next multiple of 16,
	// which lie ds apart; pairs rounds two rows each to one of words, up to the next
	// multiple of 16 columns.
	rows      func(dst []float32, ds int, src []float32, ld, rows, cols int)
	pairs     func(dst []float32, ds int, src []float32, ld, rows, cols int)
	transpose func(dst []float32, ds int, src []float32, ld, rows, cols int)
	pool      sync.Pool // of *panels
}

// halfTiles are the tiles' rows and columns.
var halfTiles = [...][2]int{{12, 32}, {8, 48}, {6, 64}}

// A block of B is halfDepth rows, which come in pairs, by halfWide columns; halfRows
// of A pass by at a time.
const halfDepth, halfWide, halfRows = 640, 512, 96

// halfOperand is a matrix whose pairs lie along rows or along columns in memory.
type halfOperand struct {
	data  []float32
	ld    int
	along bool // the sum goes along the rows in memory
}

// from is the operand without what comes before element i of those that stay and p of
// the sum.
func (o halfOperand) from(i, p int) []float32 {
	if o.along {
		return o.data[i*o.ld+p:]
	}
	return o.data[p*o.ld+i:]
}

func (t *halfTiling) gemm(transA, transB bool, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	p, _ := t.pool.Get().(*panels)
	if p == nil {
		p = new(panels)
	}
	t.product(p, m, n, k, alpha, halfOperand{a, lda, !transA}, halfOperand{b, ldb, transB}, beta, c, ldc)
	t.pool.Put(p)
}

// product computes C block by block of B.
func (t *halfTiling) product(p *panels, m, n, k int, alpha float32, a, b halfOperand, beta float32, c []float32, ldc int) {
	high, broad := pickHalf(m, n)
	depth := up(even(k, halfDepth), 2)
	wide := up(even(n, halfWide), broad)
	for jc := 0; jc < n; jc += wide {
		nb := min(wide, n-jc)
		for pc := 0; pc < k; pc += depth {
			kb := min(depth, k-pc)
			scale := beta
			if pc > 0 {
				scale = 1
			}
			words := (kb + 1) / 2
			t.packB(p, b, jc, pc, kb, nb, broad)
			for ic := 0; ic < m; ic += halfRows {
				mb := min(halfRows, m-ic)
				ars, acs := t.packA(p, a, ic, pc, kb, mb)
				for j := 0; j < nb; j += broad {
					for i, rows := 0, 0; i < mb; i += rows {
						rows = height(mb-i, high)
						t.tile(rows, min(broad, nb-j), words, p.a[i*ars:], ars, acs, p.b[j*words:], broad, c[(ic+i)*ldc+jc+j:], ldc, alpha, scale)
					}
				}
			}
		}
	}
}

// pickHalf is the tile of which the fewest are needed.
func pickHalf(m, n int) (rows, cols int) {
	fewest := 0
	for _, t := range halfTiles {
		tiles := (m + t[0] - 1) / t[0] * ((n + t[1] - 1) / t[1])
		if rows == 0 || tiles < fewest {
			rows, cols, fewest = t[0], t[1], tiles
		}
	}
	return rows, cols
}

// packB rounds k rows and n columns of B to panels as wide as a tile.
func (t *halfTiling) packB(p *panels, b halfOperand, j, at, k, n, broad int) {
	words := (k + 1) / 2
	p.b = grow(p.b, up(n, broad)*words)
	if b.along {
		ds := up(words, 16)
		p.c = grow(p.c, broad*ds)
		for i := 0; i < n; i += broad {
			w := min(broad, n-i)
			t.rows(p.c, ds, b.from(j+i, at), b.ld, w, k)
			t.transpose(p.b[i*words:], broad, p.c, ds, w, words)
		}
		return
	}
	for i := 0; i < n; i += broad {
		t.pairs(p.b[i*words:], broad, b.from(j+i, at), b.ld, k, min(broad, n-i))
	}
}

// packA rounds m rows and k columns of A and says how far apart rows and pairs lie.
func (t *halfTiling) packA(p *panels, a halfOperand, i, at, k, m int) (ars, acs int) {
	words := (k + 1) / 2
	if a.along {
		ds := up(words, 16)
		if ds%64 == 0 {
			ds += 16 // rows that do not drive each other from the cache
		}
		p.a = grow(p.a, m*ds)
		t.rows(p.a, ds, a.from(i, at), a.ld, m, k)
		return ds, 1
	}
	ds := up(m, 16)
	p.a = grow(p.a, words*ds)
	t.pairs(p.a, ds, a.from(i, at), a.ld, k, m)
	return 1, ds
}
