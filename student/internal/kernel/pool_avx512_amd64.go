// SPDX-License-Identifier: Apache-2.0

//go:build !noasm

package kernel

//go:generate go run gen_pool.go gen_writer.go

//go:noescape
func avx512MaxPairs(p *pairs32)

// fastPairs is maxPairsGo, where lasts says that this machine has AVX-512.
func fastPairs(p *pairs32) { avx512MaxPairs(p) }
