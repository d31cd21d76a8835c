// SPDX-License-Identifier: Apache-2.0

//go:build !noasm

package kernel

//go:generate go run gen_arm64.go gen_words.go gen_writer.go

// tilings are those this machine can run, the best first.
var tilings = []*tiling{{name: "NEON 6x16", rows: 6, cols: 16, depth: 320, wide: 1024, narrow: true,
	tile: neonTile, copy: copyGo, transpose: neonTranspose}}

var neonTiles = [...]func(k int, a *float32, ars, acs int, b *float32, bs int, c *float32, ldc int, alpha, beta float32){
	neonTile1, neonTile2, neonTile3, neonTile4, neonTile5, neonTile6}

// neonTile is tileGo in NEON for up to 6 rows and all of 16 columns.
func neonTile(rows, _, k int, a []float32, ars, acs int, b []float32, bs int, c []float32, ldc int, alpha, beta float32) {
	neonTiles[rows-1](k, &a[0], ars, acs, &b[0], bs, &c[0], ldc, alpha, beta)
}

// neonTranspose is transposeGo by blocks of four by four.
func neonTranspose(dst []float32, ds int, src []float32, ld, rows, cols int) {
	r := 0
	for ; r+4 <= rows; r += 4 {
		steps := cols / 4
		if steps > 0 {
			neonTranspose4(steps, &dst[r], ds, &src[r*ld], ld)
		}
		if p := steps * 4; p < cols {
			transposeGo(dst[p*ds+r:], ds, src[r*ld+p:], ld, 4, cols-p)
		}
	}
	if r < rows {
		transposeGo(dst[r:], ds, src[r*ld:], ld, rows-r, cols)
	}
}
