// SPDX-License-Identifier: Apache-2.0

//go:build !noasm

package kernel

//go:generate go run gen_avx2.go

// avx2Tile is tileGo in AVX2 and FMA for up to 6 rows and all of 16 columns.
func avx2Tile(rows, _, k int, a []float32, ars, acs int, b []float32, bs int, c []float32, ldc int, alpha, beta float32) {
	pa, pb, pc := &a[0], &b[0], &c[0]
	switch rows {
	case 6:
		avx2Tile6(k, pa, ars, acs, pb, bs, pc, ldc, alpha, beta)
	case 5:
		avx2Tile5(k, pa, ars, acs, pb, bs, pc, ldc, alpha, beta)
	case 4:
		avx2Tile4(k, pa, ars, acs, pb, bs, pc, ldc, alpha, beta)
	case 3:
		avx2Tile3(k, pa, ars, acs, pb, bs, pc, ldc, alpha, beta)
	case 2:
		avx2Tile2(k, pa, ars, acs, pb, bs, pc, ldc, alpha, beta)
	case 1:
		avx2Tile1(k, pa, ars, acs, pb, bs, pc, ldc, alpha, beta)
	}
}

// avx2Transpose is transposeGo by blocks of eight by eight.
func avx2Transpose(dst []float32, ds int, src []float32, ld, rows, cols int) {
	r := 0
	for ; r+8 <= rows; r += 8 {
		steps := cols / 8
		if steps > 0 {
			avx2Transpose8(steps, &dst[r], ds, &src[r*ld], ld)
		}
		if p := steps * 8; p < cols {
			transposeGo(dst[p*ds+r:], ds, src[r*ld+p:], ld, 8, cols-p)
		}
	}
	if r < rows {
		transposeGo(dst[r:], ds, src[r*ld:], ld, rows-r, cols)
	}
}

//go:noescape
func avx2Tile1(k int, a *float32, ars, acs int, b *float32, bs int, c *float32, ldc int, alpha, beta float32)

//go:noescape
func avx2Tile2(k int, a *float32, ars, acs int, b *float32, bs int, c *float32, ldc int, alpha, beta float32)

//go:noescape
func avx2Tile3(k int, a *float32, ars, acs int, b *float32, bs int, c *float32, ldc int, alpha, beta float32)

//go:noescape
func avx2Tile4(k int, a *float32, ars, acs int, b *float32, bs int, c *float32, ldc int, alpha, beta float32)

//go:noescape
func avx2Tile5(k int, a *float32, ars, acs int, b *float32, bs int, c *float32, ldc int, alpha, beta float32)

//go:noescape
func avx2Tile6(k int, a *float32, ars, acs int, b *float32, bs int, c *float32, ldc int, alpha, beta float32)

//go:noescape
func avx2Transpose8(steps int, dst *float32, ds int, src *float32, ld int)
