// SPDX-License-Identifier: Apache-2.0

//go:build !noasm

package kernel

import "golang.org/x/sys/cpu"

//go:generate go run gen_avx512.go gen_writer.go

// hasAVX512 says whether the machine has all that the loops named avx512 use.
var hasAVX512 = cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL

func avx512Tilings() []*tiling {
	return []*tiling{
		{name: "AVX-512 12x32", rows: 12, cols: 32, depth: 320, wide: 512,
			masked: true, tile: avx512Tile, copy: avx512Copy, transpose: avx512Transpose},
		{name: "AVX-512 8x48", rows: 8, cols: 48, depth: 320, wide: 480,
			masked: true, tile: avx512Tile, copy: avx512Copy, transpose: avx512Transpose},
		{name: "AVX-512 6x64", rows: 6, cols: 64, depth: 320, wide: 512,
			masked: true, tile: avx512Tile, copy: avx512Copy, transpose: avx512Transpose},
	}
}

// avx512Tile is tileGo. It reads B in whole vectors.
func avx512Tile(rows, cols, k int, a []float32, ars, acs int, b []float32, bs int, c []float32, ldc int, alpha, beta float32) {
	vectors := (cols + 15) / 16
	mask := uint64(1)<<(cols-16*(vectors-1)) - 1
	avx512Tiles[vectors-1][rows-1](k, &a[0], ars, acs, &b[0], bs, &c[0], ldc, alpha, beta, mask)
}

// avx512Copy is copyGo.
func avx512Copy(dst []float32, ds int, src []float32, ld, rows, cols int) {
	switch {
	case ds == 32 && cols == 32:
		avx512Copy32(rows, &dst[0], &src[0], ld)
	case ds == 48 && cols == 48:
		avx512Copy48(rows, &dst[0], &src[0], ld)
	case ds == 64 && cols == 64:
		avx512Copy64(rows, &dst[0], &src[0], ld)
	default:
		copyGo(dst, ds, src, ld, rows, cols)
	}
}

// avx512Transpose is transposeGo by blocks of sixteen by sixteen.
func avx512Transpose(dst []float32, ds int, src []float32, ld, rows, cols int) {
	r := 0
	for ; r+16 <= rows; r += 16 {
		steps := cols / 16
		if steps > 0 {
			avx512Transpose16(steps, &dst[r], ds, &src[r*ld], ld)
		}
		if p := steps * 16; p < cols {
			avx2Transpose(dst[p*ds+r:], ds, src[r*ld+p:], ld, 16, cols-p)
		}
	}
	if r < rows {
		avx2Transpose(dst[r:], ds, src[r*ld:], ld, rows-r, cols)
	}
}

//go:noescape
func avx512Copy32(rows int, dst, src *float32, ld int)

//go:noescape
func avx512Copy48(rows int, dst, src *float32, ld int)

//go:noescape
func avx512Copy64(rows int, dst, src *float32, ld int)

//go:noescape
func avx512Transpose16(steps int, dst *float32, ds int, src *float32, ld int)
