// SPDX-License-Identifier: Apache-2.0

//go:build !noasm

package kernel

import "golang.org/x/sys/cpu"

// tilings are those this machine can run, the best first.
var tilings = detectTilings()

func detectTilings() (all []*tiling) {
	if hasAVX512 {
		all = append(all, avx512Tilings()...)
	}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		all = append(all, &tiling{name: "AVX2 6x16", rows: 6, cols: 16, depth: 320, wide: 1024, narrow: true,
			tile: avx2Tile, copy: copyGo, transpose: avx2Transpose})
	}
	return all
}
