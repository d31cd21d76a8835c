// SPDX-License-Identifier: Apache-2.0

//go:build !noasm

package kernel

import "golang.org/x/sys/cpu"

//go:generate go run gen_clconv.go gen_cltransform.go gen_writer.go

// lastSets are this machine's loops over channels-last images, the fastest first.
var lastSets = detectLasts()

func detectLasts() (sets []*lastLoops) {
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ {
		sets = append(sets, avx512Lasts)
	}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		sets = append(sets, avx2Lasts)
	}
	return sets
}
