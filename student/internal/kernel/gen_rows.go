// SPDX-License-Identifier: Apache-2.0

//go:build ignore

// This program writes rows_avx2_amd64.s, the loops over rows of different pitch.
package main

func main() {
	var w writer
	w.move(false)
	w.move(true)
	w.split()
	w.merge()
	w.save("gen_rows.go", "rows_avx2_amd64.s")
}

// move writes moveRows, or addRows. Every row ends in a vector of its last
// elements, which overlaps the one before; its sum is taken first.
func (w *writer) move(add bool) {
	name := "MoveRows"
	if add {
		name = "AddRows"
		w.begin(name, "rows, width int, dst *float32, ds int, src *float32, ss int", 48)
	} else {
		w.begin(name, "rows, width int, dst *float32, ds int, src *float32, ss int, bias float32", 52)
	}
	w.load("rows", "CX", "width", "DX", "dst", "DI", "ds", "R8", "src", "SI", "ss", "R9")
	w.p("SHLQ $2, R8")
	w.p("SHLQ $2, R9")
	if !add {
		w.p("VBROADCASTSS bias+48(FP), Y0")
	}
	w.p("CMPQ DX, $8")
	w.p("JLT narrow")
	for _, size := range []int{8, 4} {
		reg, suffix := map[int]string{8: "Y", 4: "X"}[size], map[int]string{8: "wide", 4: "narrow"}[size]
		compute := func(index, to string) {
			if add {
				w.p("VMOVUPS (DI)(%s*4), %s%s", index, reg, to)
				w.p("VADDPS (SI)(%s*4), %s%s, %s%s", index, reg, to, reg, to)
			} else {
				w.p("VADDPS (SI)(%s*4), %s0, %s%s", index, reg, reg, to)
			}
		}
		w.label(suffix)
		w.p("LEAQ -%d(DX), R11", size)
		w.label(suffix + "row")
		compute("R11", "1")
		w.p("XORQ R10, R10")
		w.p("JMP %scheck", suffix)
		w.label(suffix + "step")
		compute("R10", "2")
		w.p("VMOVUPS %s2, (DI)(R10*4)", reg)
		w.p("ADDQ $%d, R10", size)
		w.label(suffix + "check")
		w.p("CMPQ R10, R11")
		w.p("JLT %sstep", suffix)
		w.p("VMOVUPS %s1, (DI)(R11*4)", reg)
		w.p("ADDQ R8, DI")
		w.p("ADDQ R9, SI")
		w.p("DECQ CX")
		w.p("JNZ %srow", suffix)
		w.p("VZEROUPPER")
		w.p("RET")
	}
}

// split writes splitRows.
func (w *writer) split() {
	w.begin("SplitRows", "rows, pairs int, even, odd *float32, ds int, src *float32, ss int", 56)
	w.load("rows", "CX", "pairs", "R11", "even", "DI", "odd", "BX", "ds", "R8", "src", "SI", "ss", "R9")
	w.p("SHLQ $2, R8")
	w.p("SHLQ $2, R9")
	w.p("SUBQ $4, R11")
	four := func(index string) {
		w.p("VMOVUPS (SI)(%s*8), X0", index)
		w.p("VMOVUPS 16(SI)(%s*8), X1", index)
		w.p("VSHUFPS $0x88, X1, X0, X2")
		w.p("VSHUFPS $0xdd, X1, X0, X3")
		w.p("VMOVUPS X2, (DI)(%s*4)", index)
		w.p("VMOVUPS X3, (BX)(%s*4)", index)
	}
	w.label("row")
	w.p("XORQ R10, R10")
	w.p("JMP check")
	w.label("step")
	four("R10")
	w.p("ADDQ $4, R10")
	w.label("check")
	w.p("CMPQ R10, R11")
	w.p("JLT step")
	four("R11")
	w.p("ADDQ R8, DI")
	w.p("ADDQ R8, BX")
	w.p("ADDQ R9, SI")
	w.p("DECQ CX")
	w.p("JNZ row")
	w.p("RET")
}

// merge writes mergeRows.
func (w *writer) merge() {
	w.begin("MergeRows", "rows, pairs int, dst *float32, ds int, even, odd *float32, ss int", 56)
	w.load("rows", "CX", "pairs", "R11", "dst", "DI", "ds", "R8", "even", "SI", "odd", "BX", "ss", "R9")
	w.p("SHLQ $2, R8")
	w.p("SHLQ $2, R9")
	w.p("SUBQ $4, R11")
	four := func(index string, lo, hi int) {
		w.p("VMOVUPS (SI)(%s*4), X0", index)
		w.p("VMOVUPS (BX)(%s*4), X1", index)
		w.p("VUNPCKLPS X1, X0, X%d", lo)
		w.p("VUNPCKHPS X1, X0, X%d", hi)
		w.p("VADDPS (DI)(%s*8), X%d, X%d", index, lo, lo)
		w.p("VADDPS 16(DI)(%s*8), X%d, X%d", index, hi, hi)
	}
	store := func(index string, lo, hi int) {
		w.p("VMOVUPS X%d, (DI)(%s*8)", lo, index)
		w.p("VMOVUPS X%d, 16(DI)(%s*8)", hi, index)
	}
	w.label("row")
	four("R11", 4, 5)
	w.p("XORQ R10, R10")
	w.p("JMP check")
	w.label("step")
	four("R10", 2, 3)
	store("R10", 2, 3)
	w.p("ADDQ $4, R10")
	w.label("check")
	w.p("CMPQ R10, R11")
	w.p("JLT step")
	store("R11", 4, 5)
	w.p("ADDQ R8, DI")
	w.p("ADDQ R9, SI")
	w.p("ADDQ R9, BX")
	w.p("DECQ CX")
	w.p("JNZ row")
	w.p("RET")
}
