// SPDX-License-Identifier: Apache-2.0

//go:build ignore

// This program writes the micro-kernels of convolutions over channels-last images,
// clconv_*_amd64.s, and Winograd's transforms, clwinograd_*_amd64.s, for AVX-512 and
// AVX2.
package main

import "fmt"

// isa is an instruction set: how many elements a vector holds, and how many rows a
// tile of one and of two vectors has at the most.
type isa struct {
	name, reg string
	lanes     int
	rows      [2]int
}

var sets = []isa{
	{"avx512", "Z", 16, [2]int{24, 14}},
	{"avx2", "Y", 8, [2]int{12, 6}},
}

func main() {
	for _, s := range sets {
		w := &last{isa: s, lanesTable: "linesLanes"}
		for vectors := 1; vectors <= 2; vectors++ {
			for rows := 1; rows <= s.rows[vectors-1]; rows++ {
				w.lines(vectors, rows)
			}
		}
		for vectors := 1; vectors <= 2; vectors++ {
			for rows := 1; rows <= s.rows[vectors-1]; rows++ {
				w.outers(vectors, rows)
			}
		}
		w.maskedRow()
		w.table()
		w.save("gen_clconv.go", "clconv_"+s.name+"_amd64.s")
		w.lanesTable = "transformLanes"
		for _, t := range transforms {
			w.transform(t)
		}
		w.table()
		w.save("gen_clconv.go", "clwinograd_"+s.name+"_amd64.s")
		w.declarations()
		w.saveGo("gen_clconv.go", "clconv_"+s.name+"_amd64.go")
	}
}

// last writes for one instruction set.
type last struct {
	writer
	isa
	lanesTable string // of this file
}

func (w *last) bytes() int { return 4 * w.lanes }

// v is a vector register.
func (w *last) v(i int) string { return fmt.Sprintf("%s%d", w.reg, i) }

func (w *last) wide() bool { return w.lanes == 16 }

func (w *last) text(name, args string, size int) {
	fmt.Fprintf(w, "\n// func %s%s(%s)\nTEXT ·%s%s(SB), NOSPLIT, $0-%d\n", w.name, name, args, w.name, name, size)
}

// zero clears a register.
func (w *last) zero(i int) {
	op := "VXORPS"
	if w.wide() {
		op = "VPXORQ"
	}
	w.p("%s %s, %s, %s", op, w.v(i), w.v(i), w.v(i))
}

// mask reads which lanes of a last vector count, from two fields of the structure at
// SI: into K1, or into a vector.
func (w *last) mask(bits, count, reg int) {
	if w.wide() {
		w.p("KMOVW %d(SI), K1", bits)
		return
	}
	w.p("MOVQ %d(SI), R12", count)
	w.laneMask(reg)
}

// laneMask sets a register to the mask of R12 lanes.
func (w *last) laneMask(reg int) {
	w.p("NEGQ R12")
	w.p("LEAQ ·%s<>+32(SB), R13", w.lanesTable)
	w.p("VMOVUPS (R13)(R12*4), %s", w.v(reg))
}

// table is what laneMask reads: eight lanes that count and eight that do not.
func (w *last) table() {
	if w.wide() {
		return
	}
	fmt.Fprintln(w)
	for i := 0; i < 16; i++ {
		fmt.Fprintf(w, "DATA ·%s<>+%d(SB)/4, $%d\n", w.lanesTable, 4*i, i/8-1)
	}
	fmt.Fprintf(w, "GLOBL ·%s<>(SB), RODATA|NOPTR, $64\n", w.lanesTable)
}

// loadLast loads the lanes of a last vector that count; the others are zero.
func (w *last) loadLast(from string, mask, to int) {
	if w.wide() {
		w.p("VMOVUPS.Z %s, K1, %s", from, w.v(to))
		return
	}
	w.p("VMASKMOVPS %s, %s, %s", from, w.v(mask), w.v(to))
}

// storeLast stores the lanes of a last vector that count.
func (w *last) storeLast(from, mask int, to string) {
	if w.wide() {
		w.p("VMOVUPS %s, K1, %s", w.v(from), to)
		return
	}
	w.p("VMASKMOVPS %s, %s, %s", w.v(from), w.v(mask), to)
}

// from is element row of a column that begins at one of three registers, nine
// rows a register, with one, three, five and seven steps in R8 to R11.
func from(row, disp int) string {
	index := [9]string{"", "(R8*1)", "(R8*2)", "(R9*1)", "(R8*4)", "(R10*1)", "(R9*2)", "(R11*1)", "(R8*8)"}[row%9]
	return at(disp, "("+[3]string{"AX", "BX", "CX"}[row/9]+")"+index)
}

func at(disp int, rest string) string {
	if disp == 0 {
		return rest
	}
	return fmt.Sprintf("%d%s", disp, rest)
}

// steps sets R9 to R11 to three, five and seven times R8.
func (w *last) steps() {
	w.p("LEAQ (R8)(R8*2), R9")
	w.p("LEAQ (R8)(R8*4), R10")
	w.p("LEAQ (R9)(R8*4), R11")
}

// bases sets the second and third register of a column whose first is AX.
func (w *last) bases(rows int) {
	if rows > 9 {
		w.p("LEAQ (AX)(R8*8), BX")
		w.p("ADDQ R8, BX")
	}
	if rows > 18 {
		w.p("LEAQ (BX)(R8*8), CX")
		w.p("ADDQ R8, CX")
	}
}

// product adds to the sums of a tile the elements at, row by row, times the one or
// two vectors 0 and 1.
func (w *last) product(vectors, rows int, at func(row int) string, spare int) {
	sum := func(row, i int) string { return w.v(4 + vectors*row + i) }
	for r := 0; r < rows; r++ {
		if vectors == 1 && w.wide() {
			w.p("VFMADD231PS.BCST %s, Z0, %s", at(r), sum(r, 0))
			continue
		}
		t := 2 + r%spare
		w.p("VBROADCASTSS %s, %s", at(r), w.v(t))
		for i := 0; i < vectors; i++ {
			w.p("VFMADD231PS %s, %s, %s", w.v(i), w.v(t), sum(r, i))
		}
	}
}

// lines writes linesGo for tiles of some rows by one or two vectors. The sums are
// register 4 on, row after row; of the last vector some lanes are loaded and stored.
func (w *last) lines(vectors, rows int) {
	const mask = 3
	sum := func(row, i int) int { return 4 + vectors*row + i }
	size := w.bytes()
	w.text(fmt.Sprintf("Lines%dx%d", vectors, rows), "l *lines32", 8)
	w.p("MOVQ l+0(FP), SI")
	w.p("MOVQ 16(SI), R8")
	w.p("MOVQ 112(SI), R14")
	w.p("MOVQ 120(SI), R15")
	w.steps()
	w.label("tile")
	w.p("MOVQ 80(SI), AX")
	w.p("TESTQ AX, AX")
	w.p("JZ nobias")
	w.mask(96, 104, mask)
	for i := 0; i < vectors; i++ {
		if i == vectors-1 {
			w.loadLast(at(size*i, "(AX)"), mask, sum(0, i))
		} else {
			w.p("VMOVUPS (AX), %s", w.v(sum(0, i)))
		}
	}
	for r := 1; r < rows; r++ {
		for i := 0; i < vectors; i++ {
			w.p("VMOVAPS %s, %s", w.v(sum(0, i)), w.v(sum(r, i)))
		}
	}
	w.p("JMP begin")
	w.label("nobias")
	for r := 0; r < rows; r++ {
		for i := 0; i < vectors; i++ {
			w.zero(sum(r, i))
		}
	}
	w.label("begin")
	w.p("MOVQ 48(SI), DX")
	w.p("MOVQ 32(SI), DI")
	w.p("MOVQ 24(SI), R12")
	w.label("segment")
	w.p("MOVQ 8(SI), AX")
	w.p("ADDQ (DI), AX")
	w.p("ADDQ $8, DI")
	w.bases(rows)
	w.p("MOVQ 40(SI), R13")
	w.label("step")
	w.p("PREFETCHT1 (R14)")
	w.p("ADDQ R15, R14")
	for i := 0; i < vectors; i++ {
		w.p("VMOVUPS %s, %s", at(size*i, "(DX)"), w.v(i))
	}
	w.product(vectors, rows, func(r int) string { return from(r, 0) }, 2)
	w.p("ADDQ $%d, DX", size*vectors)
	for i, base := range []string{"AX", "BX", "CX"} {
		if rows > 9*i {
			w.p("ADDQ $4, %s", base)
		}
	}
	w.p("DECQ R13")
	w.p("JNZ step")
	w.p("DECQ R12")
	w.p("JNZ segment")

	fmt.Fprintln(w)
	w.p("MOVQ 64(SI), R8")
	w.steps()
	w.p("MOVQ 56(SI), AX")
	w.bases(rows)
	w.mask(96, 104, mask)
	w.p("MOVQ 72(SI), R12")
	w.p("TESTQ R12, R12")
	w.p("JZ rectify")
	for r := 0; r < rows; r++ {
		for i := 0; i < vectors; i++ {
			if i == vectors-1 {
				w.loadLast(from(r, size*i), mask, 0)
				w.p("VADDPS %s, %s, %s", w.v(0), w.v(sum(r, i)), w.v(sum(r, i)))
			} else {
				w.p("VADDPS %s, %s, %s", from(r, size*i), w.v(sum(r, i)), w.v(sum(r, i)))
			}
		}
	}
	w.label("rectify")
	w.p("MOVQ 88(SI), R12")
	w.p("TESTQ R12, R12")
	w.p("JZ store")
	w.zero(0)
	for r := 0; r < rows; r++ {
		for i := 0; i < vectors; i++ {
			w.p("VMAXPS %s, %s, %s", w.v(sum(r, i)), w.v(0), w.v(sum(r, i))) // a NaN in the sum stays
		}
	}
	w.label("store")
	if !w.wide() { // storing some lanes takes long
		w.p("CMPQ 104(SI), $8")
		w.p("JNE some")
		for r := 0; r < rows; r++ {
			for i := 0; i < vectors; i++ {
				w.p("VMOVUPS %s, %s", w.v(sum(r, i)), from(r, size*i))
			}
		}
		w.p("JMP next")
		w.label("some")
	}
	for r := 0; r < rows; r++ {
		for i := 0; i < vectors; i++ {
			if i == vectors-1 {
				w.storeLast(sum(r, i), mask, from(r, size*i))
			} else {
				w.p("VMOVUPS %s, %s", w.v(sum(r, i)), from(r, size*i))
			}
		}
	}
	w.label("next")
	w.p("IMUL3Q $%d, R8, R12", rows)
	w.p("ADDQ R12, 56(SI)")
	w.p("MOVQ 16(SI), R8")
	w.p("IMUL3Q $%d, R8, R12", rows)
	w.p("ADDQ R12, 8(SI)")
	w.steps()
	w.p("DECQ (SI)")
	w.p("JNZ tile")
	w.p("MOVQ R14, 112(SI)")
	w.p("VZEROUPPER")
	w.p("RET")
}

// outers writes outersGo for some rows by one or two vectors.
func (w *last) outers(vectors, rows int) {
	const mask = 3
	sum := func(row, i int) int { return 4 + vectors*row + i }
	size := w.bytes()
	w.text(fmt.Sprintf("Outers%dx%d", vectors, rows), "o *outers32", 8)
	w.p("MOVQ o+0(FP), SI")
	w.mask(80, 88, mask)
	for r := 0; r < rows; r++ {
		for i := 0; i < vectors; i++ {
			w.zero(sum(r, i))
		}
	}
	w.p("MOVQ (SI), R12")
	w.p("MOVQ 16(SI), AX")
	w.p("MOVQ 24(SI), R8")
	w.p("MOVQ 32(SI), R9")
	w.p("MOVQ 40(SI), DX")
	w.p("MOVQ 48(SI), R10")
	w.p("MOVQ 56(SI), R11")
	w.p("MOVQ 96(SI), R14")
	w.p("MOVQ 104(SI), R15")
	w.p("MOVQ 112(SI), BX")
	w.p("MOVQ 120(SI), CX")
	w.label("line")
	w.p("MOVQ 8(SI), R13")
	w.label("step")
	w.p("PREFETCHT1 (R14)")
	w.p("PREFETCHT1 (BX)")
	w.p("ADDQ R15, R14")
	w.p("ADDQ CX, BX")
	for i := 0; i < vectors; i++ {
		if i == vectors-1 {
			w.loadLast(at(size*i, "(DX)"), mask, i)
		} else {
			w.p("VMOVUPS (DX), %s", w.v(i))
		}
	}
	spare := 2
	if !w.wide() {
		spare = 1
	}
	w.product(vectors, rows, func(r int) string { return at(4*r, "(AX)") }, spare)
	w.p("ADDQ R8, AX")
	w.p("ADDQ R10, DX")
	w.p("DECQ R13")
	w.p("JNZ step")
	w.p("ADDQ R9, AX")
	w.p("ADDQ R11, DX")
	w.p("DECQ R12")
	w.p("JNZ line")

	fmt.Fprintln(w)
	w.p("MOVQ 64(SI), AX")
	w.p("MOVQ 72(SI), R8")
	for r := 0; r < rows; r++ {
		for i := 0; i < vectors; i++ {
			w.p("VADDPS %s, %s, %s", at(size*i, "(AX)"), w.v(sum(r, i)), w.v(sum(r, i)))
			w.p("VMOVUPS %s, %s", w.v(sum(r, i)), at(size*i, "(AX)"))
		}
		w.p("ADDQ R8, AX")
	}
	w.p("VZEROUPPER")
	w.p("RET")
}

// maskedRow writes maskedCopyGo: pixels of one vector of channels, masked by the
// sign of y where there is one, copied and summed.
func (w *last) maskedRow() {
	const mask = 4
	w.text("MaskedRow", "pixels, step int, dst, src, y, sum *float32, mask, lanes int", 64)
	w.load("pixels", "CX", "step", "R8", "dst", "DI", "src", "SI", "y", "DX", "sum", "BX", "mask", "AX", "lanes", "R12")
	if w.wide() {
		w.p("KMOVW AX, K1")
	} else {
		w.laneMask(mask)
	}
	w.p("SHLQ $2, R8")
	w.loadLast("(BX)", mask, 0)
	w.p("TESTQ DX, DX")
	w.p("JZ plain")
	w.zero(2)
	w.label("step")
	w.loadLast("(DX)", mask, 1)
	if w.wide() {
		w.p("VCMPPS $0x1e, Z2, Z1, K1, K2") // greater than zero, false for a NaN
		w.p("VMOVUPS.Z (SI), K2, Z3")
	} else {
		w.p("VCMPPS $0x1e, Y2, Y1, Y1")
		w.loadLast("(SI)", mask, 3)
		w.p("VANDPS Y1, Y3, Y3")
	}
	w.p("VADDPS %s, %s, %s", w.v(3), w.v(0), w.v(0))
	w.storeLast(3, mask, "(DI)")
	for _, r := range []string{"SI", "DI", "DX"} {
		w.p("ADDQ R8, %s", r)
	}
	w.p("DECQ CX")
	w.p("JNZ step")
	w.p("JMP end")
	w.label("plain")
	w.loadLast("(SI)", mask, 3)
	w.p("VADDPS %s, %s, %s", w.v(3), w.v(0), w.v(0))
	w.storeLast(3, mask, "(DI)")
	w.p("ADDQ R8, SI")
	w.p("ADDQ R8, DI")
	w.p("DECQ CX")
	w.p("JNZ plain")
	w.label("end")
	w.storeLast(0, mask, "(BX)")
	w.p("VZEROUPPER")
	w.p("RET")
}

// declarations writes the Go side: prototypes, and the table of an instruction set.
func (w *last) declarations() {
	tables := func(field, kind, arg string) {
		fmt.Fprintf(w, "\t%s: [2][]func(*%s){\n", field, arg)
		for v := 1; v <= 2; v++ {
			fmt.Fprint(w, "\t\t{")
			for r := 1; r <= w.rows[v-1]; r++ {
				if r > 1 {
					fmt.Fprint(w, ", ")
				}
				fmt.Fprintf(w, "%s%s%dx%d", w.name, kind, v, r)
			}
			fmt.Fprint(w, "},\n")
		}
		fmt.Fprint(w, "\t},\n")
	}
	fmt.Fprintf(w, "// %sLasts are the loops of this instruction set.\nvar %sLasts = &lastLoops{\n\tlanes: %d,\n", w.name, w.name, w.lanes)
	tables("lines", "Lines", "lines32")
	tables("outers", "Outers", "outers32")
	fmt.Fprintf(w, "\tmaskedRow: %sMaskedRow,\n\ttransforms: [...]func(*transform32){", w.name)
	for i, t := range transforms {
		if i > 0 {
			fmt.Fprint(w, ", ")
		}
		fmt.Fprintf(w, "%sTransform%s", w.name, t.name)
	}
	fmt.Fprint(w, "},\n}\n")
	for _, k := range [][2]string{{"Lines", "l *lines32"}, {"Outers", "o *outers32"}} {
		for v := 1; v <= 2; v++ {
			for r := 1; r <= w.rows[v-1]; r++ {
				fmt.Fprintf(w, "\nfunc %s%s%dx%d(%s)\n", w.name, k[0], v, r, k[1])
			}
		}
	}
	fmt.Fprintf(w, "\nfunc %sMaskedRow(pixels, step int, dst, src, y, sum *float32, mask, lanes int)\n", w.name)
	for _, t := range transforms {
		fmt.Fprintf(w, "\nfunc %sTransform%s(t *transform32)\n", w.name, t.name)
	}
}
