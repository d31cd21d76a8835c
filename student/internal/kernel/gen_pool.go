// SPDX-License-Identifier: Apache-2.0

//go:build ignore

// This program writes pool_avx512_amd64.s, the loops over pooling windows.
package main

import "fmt"

func main() {
	var w writer
	w.maxPairs()
	w.save("gen_pool.go", "pool_avx512_amd64.s")
}

// maxPairs writes maxPairsGo, sixteen windows at a time; of the last ones of a row
// the lanes of K1 (windows), K2 and K3 (elements of a row of x) are used.
func (w *writer) maxPairs() {
	fmt.Fprint(w, "\n// func avx512MaxPairs(p *pairs32)\nTEXT ·avx512MaxPairs(SB), NOSPLIT, $0-8\n")
	w.p("MOVQ p+0(FP), SI")
	w.p("VMOVUPS ·poolEven<>+0(SB), Z16")
	w.p("VMOVUPS ·poolOdd<>+0(SB), Z17")
	w.p("VCVTDQ2PS Z16, Z18")                     // 0, 2, 4, ...: where the windows of a block begin
	w.p("VBROADCASTSS ·poolNumbers<>+0(SB), Z19") // 32
	w.p("VBROADCASTSS ·poolNumbers<>+4(SB), Z20") // 1
	w.p("VBROADCASTSS 56(SI), Z21")               // elements a row of x
	w.p("VADDPS Z20, Z21, Z22")
	w.p("VADDPS Z21, Z21, Z23")
	w.p("VMOVAPS Z18, Z24")
	w.p("MOVQ (SI), CX")
	w.p("MOVQ 16(SI), DI")
	w.p("MOVQ 24(SI), DX")
	w.p("MOVQ 32(SI), AX")
	w.p("MOVQ 40(SI), R8")
	w.label("row")
	w.p("MOVQ 8(SI), BX")
	w.p("MOVQ AX, R9")
	w.p("VMOVAPS Z24, Z25")
	w.p("MOVQ $0xffff, R11")
	w.p("KMOVW R11, K1")
	w.p("KMOVW R11, K2")
	w.p("KMOVW R11, K3")
	w.label("block")
	w.p("CMPQ BX, $1")
	w.p("JNE full")
	w.p("KMOVW 64(SI), K1")
	w.p("KMOVW 72(SI), K2")
	w.p("KMOVW 80(SI), K3")
	w.label("full")
	w.p("LEAQ (R9)(R8*1), R10")
	for i, at := range []string{"(R9)", "64(R9)", "(R10)", "64(R10)"} {
		w.p("VMOVUPS.Z %s, K%d, Z%d", at, 2+i%2, i)
	}
	// Z4 on: the four elements of the windows, in the order they are met.
	for row := 0; row < 2; row++ {
		for odd := 0; odd < 2; odd++ {
			w.p("VMOVAPS Z%d, Z%d", 16+odd, 4+2*row+odd)
			w.p("VPERMI2PS Z%d, Z%d, Z%d", 2*row+1, 2*row, 4+2*row+odd)
		}
	}
	w.p("VMOVAPS Z25, Z8")
	for i := 1; i < 4; i++ {
		w.p("VCMPPS $0x16, Z4, Z%d, K4", 4+i) // not less or equal, or a NaN
		w.p("VCMPPS $7, Z4, Z4, K4, K4")      // and no NaN as yet
		w.p("VMOVAPS Z%d, K4, Z4", 4+i)
		w.p("VADDPS Z%d, Z25, K4, Z8", 19+i)
	}
	w.p("VMOVUPS Z4, K1, (DI)")
	w.p("VMOVUPS Z8, K1, (DX)")
	w.p("VADDPS Z19, Z25, Z25")
	w.p("ADDQ $128, R9")
	w.p("ADDQ $64, DI")
	w.p("ADDQ $64, DX")
	w.p("DECQ BX")
	w.p("JNZ block")
	w.p("VADDPS Z23, Z24, Z24")
	w.p("LEAQ (AX)(R8*2), AX")
	w.p("SUBQ 48(SI), DI") // what the last block has of lanes beyond the row
	w.p("SUBQ 48(SI), DX")
	w.p("DECQ CX")
	w.p("JNZ row")
	w.p("VZEROUPPER")
	w.p("RET")
	fmt.Fprintln(w)
	for i := 0; i < 16; i++ {
		fmt.Fprintf(w, "DATA ·poolEven<>+%d(SB)/4, $%d\n", 4*i, 2*i)
		fmt.Fprintf(w, "DATA ·poolOdd<>+%d(SB)/4, $%d\n", 4*i, 2*i+1)
	}
	fmt.Fprintln(w, "DATA ·poolNumbers<>+0(SB)/4, $32.0\nDATA ·poolNumbers<>+4(SB)/4, $1.0")
	fmt.Fprintln(w, "GLOBL ·poolEven<>(SB), RODATA|NOPTR, $64\nGLOBL ·poolOdd<>(SB), RODATA|NOPTR, $64\nGLOBL ·poolNumbers<>(SB), RODATA|NOPTR, $8")
}
