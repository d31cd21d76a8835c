// SPDX-License-Identifier: Apache-2.0

//go:build ignore

// This program writes conv_avx2_amd64.s, the micro-kernels of convolutions over
// views.
package main

import (
	"fmt"
)

func main() {
	var w writer
	for rows := 1; rows <= 6; rows++ {
		w.views(rows)
	}
	for rows := 1; rows <= 6; rows++ {
		w.outer(rows)
	}
	for rows := 1; rows <= 9; rows++ {
		w.dots(rows)
	}
	w.save("gen_conv.go", "conv_avx2_amd64.s")
}

// views writes viewsGo for a number of rows: tiles of sixteen columns, then one of
// eight; of a single row tiles of sixty-four first. With add, C is added to.
func (w *writer) views(rows int) {
	w.begin(fmt.Sprintf("Views%d", rows), "blocks, k int, a, img *float32, off *int, c *float32, ldc, add int", 64)
	w.load("blocks", "CX", "k", "R12", "a", "R8", "img", "DX", "off", "R9", "c", "DI", "ldc", "R11", "add", "R13")
	w.p("SHLQ $2, R11")
	if rows > 3 {
		w.p("LEAQ (DI)(R11*2), SI")
		w.p("ADDQ R11, SI")
	}
	if rows == 1 {
		w.tiles("wide", 1, 8)
	}
	w.tiles("tile", rows, 2)
	w.tiles("half", rows, 1)
	w.p("VZEROUPPER")
	w.p("RET")
}

// tiles writes a loop over tiles of some vectors a row. The sums are Y4 on, row
// after row; CX is the number of blocks left.
func (w *writer) tiles(name string, rows, vectors int) {
	sum := func(row, i int) string { return fmt.Sprintf("Y%d", 4+vectors*row+i) }
	at := func(disp int, rest string) string {
		if disp == 0 {
			return rest
		}
		return fmt.Sprintf("%d%s", disp, rest)
	}
	w.p("SUBQ $%d, CX", vectors)
	w.p("JLT %srest", name)
	w.label(name)
	for r := 0; r < rows; r++ {
		for i := 0; i < vectors; i++ {
			w.p("VXORPS %s, %s, %s", sum(r, i), sum(r, i), sum(r, i))
		}
	}
	w.p("MOVQ R8, AX")
	w.p("XORQ BX, BX")
	w.label(name + "step")
	w.p("MOVQ (R9)(BX*8), R10")
	if rows > 1 {
		for i := 0; i < vectors; i++ {
			w.p("VMOVUPS %s, Y%d", at(32*i, "(DX)(R10*4)"), i)
		}
	}
	for r := 0; r < rows; r++ {
		t := 2 + r%2
		w.p("VBROADCASTSS %s, Y%d", at(4*r, "(AX)"), t)
		for i := 0; i < vectors; i++ {
			from := fmt.Sprintf("Y%d", i)
			if rows == 1 {
				from = at(32*i, "(DX)(R10*4)")
			}
			w.p("VFMADD231PS %s, Y%d, %s", from, t, sum(r, i))
		}
	}
	w.p("ADDQ $%d, AX", 4*rows)
	w.p("INCQ BX")
	w.p("CMPQ BX, R12")
	w.p("JLT %sstep", name)
	c := func(row, i int) string {
		base, index := [2]string{"DI", "SI"}[row/3], [3]string{"", "(R11*1)", "(R11*2)"}[row%3]
		return at(32*i, "("+base+")"+index)
	}
	w.p("TESTQ R13, R13")
	w.p("JZ %sstore", name)
	for r := 0; r < rows; r++ {
		for i := 0; i < vectors; i++ {
			w.p("VADDPS %s, %s, %s", c(r, i), sum(r, i), sum(r, i))
		}
	}
	w.label(name + "store")
	for r := 0; r < rows; r++ {
		for i := 0; i < vectors; i++ {
			w.p("VMOVUPS %s, %s", sum(r, i), c(r, i))
		}
	}
	w.p("ADDQ $%d, DX", 32*vectors)
	w.p("ADDQ $%d, DI", 32*vectors)
	if rows > 3 {
		w.p("ADDQ $%d, SI", 32*vectors)
	}
	w.p("SUBQ $%d, CX", vectors)
	w.p("JGE %s", name)
	w.label(name + "rest")
	w.p("ADDQ $%d, CX", vectors)
}

// dots writes dotsGo for a number of rows.
func (w *writer) dots(rows int) {
	view := []string{"AX", "BX", "DX", "DI", "R8", "R9", "R10", "R11", "R12"}[:rows]
	w.begin(fmt.Sprintf("Dots%d", rows), "blocks int, img *float32, off *int, d, acc *float32", 40)
	w.load("blocks", "CX", "img", "SI", "off", "R13")
	w.p("SHLQ $5, CX")
	w.p("ADDQ CX, SI")
	for i, v := range view {
		w.p("MOVQ %d(R13), %s", 8*i, v)
		w.p("LEAQ (SI)(%s*4), %s", v, v)
		w.p("VXORPS Y%d, Y%d, Y%d", 4+i, 4+i, 4+i)
	}
	w.p("MOVQ d+24(FP), SI")
	w.p("ADDQ CX, SI")
	w.p("NEGQ CX")
	w.label("step")
	w.p("VMOVUPS (SI)(CX*1), Y0")
	for i, v := range view {
		w.p("VFMADD231PS (%s)(CX*1), Y0, Y%d", v, 4+i)
	}
	w.p("ADDQ $32, CX")
	w.p("JNZ step")
	fmt.Fprintln(w)
	w.p("MOVQ acc+32(FP), DI")
	for i := range view {
		w.p("VEXTRACTF128 $1, Y%d, X0", 4+i)
		w.p("VADDPS X0, X%d, X%d", 4+i, 4+i)
		w.p("VHADDPS X%d, X%d, X%d", 4+i, 4+i, 4+i)
		w.p("VHADDPS X%d, X%d, X%d", 4+i, 4+i, 4+i)
		w.p("VADDSS %d(DI), X%d, X%d", 4*i, 4+i, 4+i)
		w.p("VMOVSS X%d, %d(DI)", 4+i, 4*i)
	}
	w.p("VZEROUPPER")
	w.p("RET")
}

// outer writes outerGo for a number of rows.
func (w *writer) outer(rows int) {
	view := []string{"R8", "R9", "R10", "R11", "R12", "R13"}[:rows]
	sum := func(row, half int) string { return fmt.Sprintf("Y%d", 4+2*row+half) }
	w.begin(fmt.Sprintf("Outer%d", rows), "rows, cols, skip int, img *float32, off *int, d, acc *float32", 56)
	w.load("rows", "CX", "cols", "DX", "skip", "DI", "img", "AX", "off", "BX", "d", "SI")
	w.p("SHLQ $2, DI")
	for i, v := range view {
		w.p("MOVQ %d(BX), %s", 8*i, v)
		w.p("LEAQ (AX)(%s*4), %s", v, v)
	}
	for r := 0; r < rows; r++ {
		w.p("VXORPS %s, %s, %s", sum(r, 0), sum(r, 0), sum(r, 0))
		w.p("VXORPS %s, %s, %s", sum(r, 1), sum(r, 1), sum(r, 1))
	}
	w.p("XORQ BX, BX")
	w.label("row")
	w.p("MOVQ DX, AX")
	w.label("step")
	w.p("VMOVUPS (SI), Y0")
	w.p("VMOVUPS 32(SI), Y1")
	for r, v := range view {
		t := 2 + r%2
		w.p("VBROADCASTSS (%s)(BX*1), Y%d", v, t)
		w.p("VFMADD231PS Y0, Y%d, %s", t, sum(r, 0))
		w.p("VFMADD231PS Y1, Y%d, %s", t, sum(r, 1))
	}
	w.p("ADDQ $64, SI")
	w.p("ADDQ $4, BX")
	w.p("DECQ AX")
	w.p("JNZ step")
	w.p("ADDQ DI, BX")
	w.p("DECQ CX")
	w.p("JNZ row")
	fmt.Fprintln(w)
	w.p("MOVQ acc+48(FP), DI")
	for r := 0; r < rows; r++ {
		for h := 0; h < 2; h++ {
			w.p("VADDPS %d(DI), %s, %s", 64*r+32*h, sum(r, h), sum(r, h))
			w.p("VMOVUPS %s, %d(DI)", sum(r, h), 64*r+32*h)
		}
	}
	w.p("VZEROUPPER")
	w.p("RET")
}
