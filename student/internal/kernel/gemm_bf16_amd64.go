// SPDX-License-Identifier: Apache-2.0

//go:build !noasm

package kernel

import "golang.org/x/sys/cpu"

// FastBF16 says whether GemmBF16 is faster than Gemm on this machine.
var FastBF16 = hasAVX512 && cpu.X86.HasAVX512BF16

var halves = &halfTiling{tile: bf16Tile, rows: bf16Rows, pairs: bf16Pairs, transpose: avx512Transpose}

// bf16Tile is tileGo, of pairs. It reads B in whole vectors.
func bf16Tile(rows, cols, pairs int, a []float32, ars, acs int, b []float32, bs int, c []float32, ldc int, alpha, beta float32) {
	vectors := (cols + 15) / 16
	mask := uint64(1)<<(cols-16*(vectors-1)) - 1
	bf16Tiles[vectors-1][rows-1](pairs, &a[0], ars, acs, &b[0], bs, &c[0], ldc, alpha, beta, mask)
}

// bf16Rows rounds rows.
func bf16Rows(dst []float32, ds int, src []float32, ld, rows, cols int) {
	steps := (cols + 31) / 32
	_, _ = dst[(rows-1)*ds+16*steps-1], src[(rows-1)*ld+cols-1]
	bf16RoundRows(rows, steps, &dst[0], ds, &src[0], ld, 1<<(cols-32*(steps-1))-1)
}

// bf16Pairs rounds pairs of rows. Behind an odd one comes a row of zeros.
func bf16Pairs(dst []float32, ds int, src []float32, ld, rows, cols int) {
	vectors, pairs := (cols+15)/16, rows/2
	mask := uint64(1)<<(cols-16*(vectors-1)) - 1
	_, _ = dst[((rows+1)/2-1)*ds+16*vectors-1], src[(rows-1)*ld+cols-1]
	if pairs > 0 {
		bf16RoundPairs(pairs, vectors, &dst[0], ds, &src[0], &src[ld], ld, mask, &inTurns[0])
	}
	if rows%2 > 0 {
		bf16RoundPairs(1, vectors, &dst[pairs*ds], ds, &src[2*pairs*ld], &noRow[0], ld, mask, &inTurns[0])
	}
}

// noRow stands for the row behind the last, as long as the longest.
var noRow [halfRows + 16]float32

// inTurns takes words of two halves in turns.
var inTurns = func() (order [32]uint16) {
	for i := range order {
		order[i] = uint16(i/2 + i%2*16)
	}
	return order
}()

//go:noescape
func bf16RoundRows(rows, steps int, dst *float32, ds int, src *float32, ld int, mask uint64)

//go:noescape
func bf16RoundPairs(pairs, vectors int, dst *float32, ds int, upper, lower *float32, ld int, mask uint64, order *uint16)
