// SPDX-License-Identifier: Apache-2.0

//go:build ignore

// This program writes tile_neon_arm64.s, the micro-kernels of products, and
// conv_neon_arm64.s, those of convolutions over views and loops over rows of
// different pitch, with their declarations.
package main

import (
	"fmt"
	"strings"
)

const (
	tallest = 6 // rows of a tile of sixteen columns
	longest = 9 // rows of scalar products
)

func main() {
	var w, decl writer
	for rows := 1; rows <= tallest; rows++ {
		w.tile(&decl, rows)
	}
	w.transpose(&decl)
	w.save("gen_arm64.go", "tile_neon_arm64.s")
	decl.saveGo("gen_arm64.go", "tile_neon_arm64.go")
	for rows := 1; rows <= tallest; rows++ {
		w.views(&decl, rows)
	}
	for rows := 1; rows <= tallest; rows++ {
		w.outer(&decl, rows)
	}
	for rows := 1; rows <= longest; rows++ {
		w.dots(&decl, rows)
	}
	w.move(&decl, false)
	w.move(&decl, true)
	w.split(&decl)
	w.merge(&decl)
	w.save("gen_arm64.go", "conv_neon_arm64.s")
	decl.saveGo("gen_arm64.go", "conv_neon_arm64.go")
}

// function begins a function, whose parameters of eight bytes are loaded into
// registers from R0 on, and declares it.
func (w *writer) function(decl *writer, name, args string, words, size int) {
	fmt.Fprintf(w, "\n// func neon%s(%s)\nTEXT ·neon%s(SB), NOSPLIT, $0-%d\n", name, args, name, size)
	fmt.Fprintf(decl, "\n//go:noescape\nfunc neon%s(%s)\n", name, args)
	at := 0
	for _, group := range strings.Split(args, ", ") {
		if at < words {
			w.p("MOVD %s+%d(FP), R%d", strings.Fields(group)[0], 8*at, at)
		}
		at++
	}
}

// list names vectors that follow each other.
func list(from, n int) string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("V%d.S4", from+i))
	}
	return "[" + strings.Join(names, ", ") + "]"
}

func (w *writer) clear(v int) { w.p("VEOR V%d.B16, V%d.B16, V%d.B16", v, v, v) }

func (w *writer) bytes(registers ...string) {
	for _, r := range registers {
		w.p("LSL $2, %s, %s", r, r)
	}
}

// tile writes a tile of rows by 16. V8 on are the sums, four a row.
func (w *writer) tile(decl *writer, rows int) {
	w.function(decl, fmt.Sprintf("Tile%d", rows), "k int, a *float32, ars, acs int, b *float32, bs int, c *float32, ldc int, alpha, beta float32", 8, 72)
	row := []string{"R1", "R8", "R9", "R10", "R11", "R12"}[:rows]
	w.bytes("R2", "R3", "R5", "R7")
	for r := 1; r < rows; r++ {
		w.p("ADD R2, %s, %s", row[r-1], row[r])
	}
	for i := range 4 * rows {
		w.clear(8 + i)
	}
	w.label("step")
	w.p("VLD1.P (R4)(R5), %s", list(0, 4))
	for r := range rows {
		a := 4 + r%4
		w.p("VLD1R.P (%s)(R3), [V%d.S4]", row[r], a)
		for i := range 4 {
			w.p("VFMLA V%d.S4, V%d.S4, V%d.S4", i, a, 8+4*r+i)
		}
	}
	w.p("SUBS $1, R0")
	w.p("BNE step")
	fmt.Fprintln(w)
	w.p("FMOVS alpha+64(FP), F4")
	w.p("VDUP V4.S[0], V4.S4")
	for i := range 4 * rows {
		w.three(fmul, 8+i, 8+i, 4)
	}
	w.p("FMOVS beta+68(FP), F5")
	w.p("FCMPS $(0.0), F5")
	w.p("BEQ store")
	w.p("VDUP V5.S[0], V5.S4")
	w.p("MOVD R6, R8")
	for r := range rows {
		w.p("VLD1.P (R8)(R7), %s", list(0, 4))
		for i := range 4 {
			w.p("VFMLA V%d.S4, V5.S4, V%d.S4", i, 8+4*r+i)
		}
	}
	w.label("store")
	for r := range rows {
		w.p("VST1.P %s, (R6)(R7)", list(8+4*r, 4))
	}
	w.p("RET")
}

// transpose writes the transposition of four rows, four elements a step.
func (w *writer) transpose(decl *writer) {
	w.function(decl, "Transpose4", "steps int, dst *float32, ds int, src *float32, ld int", 5, 40)
	w.bytes("R2", "R4")
	w.p("ADD R4, R3, R5")
	w.p("ADD R4, R5, R6")
	w.p("ADD R4, R6, R7")
	w.label("step")
	for i, r := range []string{"R3", "R5", "R6", "R7"} {
		w.p("FMOVQ.P 16(%s), F%d", r, i)
	}
	w.p("VZIP1 V2.S4, V0.S4, V4.S4")
	w.p("VZIP2 V2.S4, V0.S4, V5.S4")
	w.p("VZIP1 V3.S4, V1.S4, V6.S4")
	w.p("VZIP2 V3.S4, V1.S4, V7.S4")
	w.p("VZIP1 V6.S4, V4.S4, V0.S4")
	w.p("VZIP2 V6.S4, V4.S4, V1.S4")
	w.p("VZIP1 V7.S4, V5.S4, V2.S4")
	w.p("VZIP2 V7.S4, V5.S4, V3.S4")
	for i := range 4 {
		w.p("VST1.P [V%d.S4], (R1)(R2)", i)
	}
	w.p("SUBS $1, R0")
	w.p("BNE step")
	w.p("RET")
}

// views writes viewsGo for a number of rows: tiles of sixteen columns, then one of
// eight; of a single row tiles of thirty-two first. With add, C is added to.
func (w *writer) views(decl *writer, rows int) {
	w.function(decl, fmt.Sprintf("Views%d", rows), "blocks, k int, a, img *float32, off *int, c *float32, ldc, add int", 8, 64)
	w.bytes("R6")
	if rows == 1 {
		w.tiles("wide", 1, 8)
	}
	w.tiles("tile", rows, 4)
	w.tiles("half", rows, 2)
	w.p("RET")
}

// tiles writes a loop over tiles of some vectors a row. The sums are V8 on, row
// after row; R0 is the number of blocks left.
func (w *writer) tiles(name string, rows, vectors int) {
	blocks := vectors / 2
	view := 0 // the first register of a view
	if vectors == 8 {
		view = 16
	}
	parts := func(from int, f func(list string)) {
		for i := 0; i < vectors; i += 4 {
			f(list(from+i, min(4, vectors)))
		}
	}
	w.p("SUBS $%d, R0", blocks)
	w.p("BLT %srest", name)
	w.label(name)
	for i := range rows * vectors {
		w.clear(8 + i)
	}
	w.p("MOVD R2, R8")
	w.p("MOVD R4, R9")
	w.p("MOVD R1, R10")
	w.label(name + "step")
	w.p("MOVD.P 8(R9), R11")
	w.p("ADD R11<<2, R3, R11")
	parts(view, func(list string) { w.p("VLD1.P %d(R11), %s", 16*min(4, vectors), list) })
	for r := range rows {
		a := 4 + r%4
		w.p("VLD1R.P 4(R8), [V%d.S4]", a)
		for i := range vectors {
			w.p("VFMLA V%d.S4, V%d.S4, V%d.S4", view+i, a, 8+vectors*r+i)
		}
	}
	w.p("SUBS $1, R10")
	w.p("BNE %sstep", name)
	w.p("CBZ R7, %sstore", name)
	w.p("MOVD R5, R11")
	for r := range rows {
		w.p("MOVD R11, R12")
		parts(view, func(list string) { w.p("VLD1.P %d(R12), %s", 16*min(4, vectors), list) })
		for i := range vectors {
			w.three(fadd, 8+vectors*r+i, 8+vectors*r+i, view+i)
		}
		w.p("ADD R6, R11")
	}
	w.label(name + "store")
	w.p("MOVD R5, R11")
	for r := range rows {
		w.p("MOVD R11, R12")
		parts(8+vectors*r, func(list string) { w.p("VST1.P %s, %d(R12)", list, 16*min(4, vectors)) })
		w.p("ADD R6, R11")
	}
	w.p("ADD $%d, R3", 16*vectors)
	w.p("ADD $%d, R5", 16*vectors)
	w.p("SUBS $%d, R0", blocks)
	w.p("BGE %s", name)
	w.label(name + "rest")
	w.p("ADD $%d, R0", blocks)
}

// outer writes outerGo for a number of rows.
func (w *writer) outer(decl *writer, rows int) {
	w.function(decl, fmt.Sprintf("Outer%d", rows), "rows, cols, skip int, img *float32, off *int, d, acc *float32", 7, 56)
	view := []string{"R8", "R9", "R10", "R11", "R12", "R13"}[:rows]
	w.bytes("R2")
	for _, v := range view {
		w.p("MOVD.P 8(R4), %s", v)
		w.p("ADD %s<<2, R3, %s", v, v)
	}
	for i := range 4 * rows {
		w.clear(8 + i)
	}
	w.label("row")
	w.p("MOVD R1, R7")
	w.label("step")
	w.p("VLD1.P 64(R5), %s", list(0, 4))
	for r, v := range view {
		a := 4 + r%4
		w.p("VLD1R.P 4(%s), [V%d.S4]", v, a)
		for i := range 4 {
			w.p("VFMLA V%d.S4, V%d.S4, V%d.S4", i, a, 8+4*r+i)
		}
	}
	w.p("SUBS $1, R7")
	w.p("BNE step")
	for _, v := range view {
		w.p("ADD R2, %s", v)
	}
	w.p("SUBS $1, R0")
	w.p("BNE row")
	fmt.Fprintln(w)
	for r := range rows {
		w.p("VLD1 (R6), %s", list(0, 4))
		for i := range 4 {
			w.three(fadd, i, 8+4*r+i, i)
		}
		w.p("VST1.P %s, 64(R6)", list(0, 4))
	}
	w.p("RET")
}

// dots writes dotsGo for a number of rows. V8 on are the sums, two a row.
func (w *writer) dots(decl *writer, rows int) {
	w.function(decl, fmt.Sprintf("Dots%d", rows), "blocks int, img *float32, off *int, d, acc *float32", 5, 40)
	view := []string{"R5", "R6", "R7", "R8", "R9", "R10", "R11", "R12", "R13"}[:rows]
	for _, v := range view {
		w.p("MOVD.P 8(R2), %s", v)
		w.p("ADD %s<<2, R1, %s", v, v)
	}
	for i := range 2 * rows {
		w.clear(8 + i)
	}
	w.label("step")
	w.p("VLD1.P 32(R3), %s", list(0, 2))
	for r, v := range view {
		x := 2 + r%3*2
		w.p("VLD1.P 32(%s), %s", v, list(x, 2))
		for i := range 2 {
			w.p("VFMLA V%d.S4, V%d.S4, V%d.S4", x+i, i, 8+2*r+i)
		}
	}
	w.p("SUBS $1, R0")
	w.p("BNE step")
	fmt.Fprintln(w)
	for r := range rows {
		s := 8 + 2*r
		w.three(fadd, s, s, s+1)
		w.three(faddp, s, s, s)
		w.two(faddps, s, s)
		w.p("FMOVS (R4), F0")
		w.p("FADDS F0, F%d, F%d", s, s)
		w.p("FMOVS.P F%d, 4(R4)", s)
	}
	w.p("RET")
}

// move writes moveRows, or addRows. Every row ends in a vector of its last
// elements, which overlaps the one before; its sum is taken first.
func (w *writer) move(decl *writer, add bool) {
	if add {
		w.function(decl, "AddRows", "rows, width int, dst *float32, ds int, src *float32, ss int", 6, 48)
	} else {
		w.function(decl, "MoveRows", "rows, width int, dst *float32, ds int, src *float32, ss int, bias float32", 6, 52)
		w.p("FMOVS bias+48(FP), F0")
		w.p("VDUP V0.S[0], V0.S4")
	}
	w.bytes("R3", "R5")
	w.p("SUB $4, R1")
	w.p("LSL $2, R1, R1") // where the last vector begins
	compute := func(offset string, to int) {
		w.p("ADD %s, R4, R8", offset)
		w.p("FMOVQ (R8), F%d", to)
		if add {
			w.p("ADD %s, R2, R8", offset)
			w.p("FMOVQ (R8), F3")
			w.three(fadd, to, 3, to)
		} else {
			w.three(fadd, to, to, 0)
		}
	}
	put := func(offset string, from int) {
		w.p("ADD %s, R2, R8", offset)
		w.p("FMOVQ F%d, (R8)", from)
	}
	w.label("row")
	compute("R1", 1)
	w.p("MOVD $0, R7")
	w.p("B check")
	w.label("step")
	compute("R7", 2)
	put("R7", 2)
	w.p("ADD $16, R7")
	w.label("check")
	w.p("CMP R1, R7")
	w.p("BLT step")
	put("R1", 1)
	w.p("ADD R3, R2")
	w.p("ADD R5, R4")
	w.p("SUBS $1, R0")
	w.p("BNE row")
	w.p("RET")
}

// pairs writes a loop over the pairs of rows, four at a time, of which the last four
// overlap those before. R1 becomes the offset of the last.
func (w *writer) pairs(before, each, after func(offset string), next func()) {
	w.p("SUB $4, R1")
	w.p("LSL $2, R1, R1")
	w.label("row")
	before("R1")
	w.p("MOVD $0, R7")
	w.p("B check")
	w.label("step")
	each("R7")
	w.p("ADD $16, R7")
	w.label("check")
	w.p("CMP R1, R7")
	w.p("BLT step")
	after("R1")
	next()
	w.p("SUBS $1, R0")
	w.p("BNE row")
	w.p("RET")
}

// split writes splitRows.
func (w *writer) split(decl *writer) {
	w.function(decl, "SplitRows", "rows, pairs int, even, odd *float32, ds int, src *float32, ss int", 7, 56)
	w.bytes("R4", "R6")
	four := func(offset string) {
		w.p("ADD %s<<1, R5, R8", offset)
		w.p("VLD2 (R8), [V0.S4, V1.S4]")
		w.p("ADD %s, R2, R8", offset)
		w.p("FMOVQ F0, (R8)")
		w.p("ADD %s, R3, R8", offset)
		w.p("FMOVQ F1, (R8)")
	}
	w.pairs(func(string) {}, four, four, func() {
		w.p("ADD R4, R2")
		w.p("ADD R4, R3")
		w.p("ADD R6, R5")
	})
}

// merge writes mergeRows.
func (w *writer) merge(decl *writer) {
	w.function(decl, "MergeRows", "rows, pairs int, dst *float32, ds int, even, odd *float32, ss int", 7, 56)
	w.bytes("R3", "R6")
	four := func(offset string, to int) {
		w.p("ADD %s, R4, R8", offset)
		w.p("FMOVQ (R8), F4")
		w.p("ADD %s, R5, R8", offset)
		w.p("FMOVQ (R8), F5")
		w.p("ADD %s<<1, R2, R8", offset)
		w.p("VLD2 (R8), [V%d.S4, V%d.S4]", to, to+1)
		w.three(fadd, to, to, 4)
		w.three(fadd, to+1, to+1, 5)
	}
	store := func(offset string, from int) {
		w.p("ADD %s<<1, R2, R8", offset)
		w.p("VST2 [V%d.S4, V%d.S4], (R8)", from, from+1)
	}
	w.pairs(func(offset string) { four(offset, 0) },
		func(offset string) { four(offset, 2); store(offset, 2) },
		func(offset string) { store(offset, 0) },
		func() {
			w.p("ADD R3, R2")
			w.p("ADD R6, R4")
			w.p("ADD R6, R5")
		})
}
