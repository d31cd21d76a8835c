// SPDX-License-Identifier: Apache-2.0

//go:build !noasm

package kernel

import "golang.org/x/sys/cpu"

//go:generate go run gen_vector.go gen_x86.go gen_neon.go gen_words.go gen_writer.go

func detectVectors() (all []*vectorLoops) {
	if hasAVX512 {
		v := avx512Vectors()
		v.adamW = avx2AdamW // measured 1.2 times as fast on Zen 4
		all = append(all, v)
	}
	if cpu.X86.HasAVX2 {
		all = append(all, avx2Vectors())
	}
	return all
}
