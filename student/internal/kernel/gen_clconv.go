// SPDX-License-Identifier: Apache-2.0

//go:build ignore

// This program writes the micro-kernels of convolutions over channels-last images,
// clconv_*_amd64.s, and Winograd's transforms, clwinograd_*_amd64.s, for AVX-512 and
// AVX2.
package main

import (
	"fmt"
	"strings"
)

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
	w.label("line")
	w.p("MOVQ 8(SI), R13")
	w.label("step")
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

// transform is a product M·X·Mᵀ of which M has rows by cols elements. The program
// computes M times a column: i0 on are the column, o0 on the result, t0 to t3 are
// free and c0 on constants.
type transform struct {
	name       string
	rows, cols int
	constants  []float32
	program    []string
	bias       bool
}

// Points 0, 1, -1, 2, -2 and infinity (Lavin and Gray 2016, arXiv:1509.09308).
var transforms = []transform{
	{name: "Input", rows: 6, cols: 6, constants: []float32{4, 5, 2}, program: []string{
		"VMOVAPS i4, t0", "VFNMADD231PS c0, i2, t0", // i4 - 4 i2
		"VMOVAPS i3, t1", "VFNMADD231PS c0, i1, t1", // i3 - 4 i1
		"VADDPS t1, t0, o1", "VSUBPS t1, t0, o2",
		"VSUBPS i2, i4, t2", "VSUBPS i1, i3, t3",
		"VMOVAPS t2, o3", "VFMADD231PS c2, t3, o3",
		"VMOVAPS t2, o4", "VFNMADD231PS c2, t3, o4",
		"VMOVAPS i4, o0", "VFNMADD231PS c1, i2, o0", "VFMADD231PS c0, i0, o0",
		"VMOVAPS i5, o5", "VFNMADD231PS c1, i3, o5", "VFMADD231PS c0, i1, o5",
	}},
	{name: "Output", rows: 4, cols: 6, constants: []float32{2, 4, 8}, bias: true, program: []string{
		"VADDPS i2, i1, t0", "VSUBPS i2, i1, t1", "VADDPS i4, i3, t2", "VSUBPS i4, i3, t3",
		"VADDPS t0, i0, o0", "VADDPS t2, o0, o0",
		"VMOVAPS t1, o1", "VFMADD231PS c0, t3, o1",
		"VMOVAPS t0, o2", "VFMADD231PS c1, t2, o2",
		"VADDPS t1, i5, o3", "VFMADD231PS c2, t3, o3",
	}},
	{name: "Gradient", rows: 6, cols: 4, constants: []float32{2, 4, 8}, program: []string{
		"VADDPS i2, i0, t0", "VADDPS i3, i1, t1", "VADDPS t1, t0, o1", "VSUBPS t1, t0, o2",
		"VMOVAPS i0, t2", "VFMADD231PS c1, i2, t2",
		"VMULPS c0, i1, t3", "VFMADD231PS c2, i3, t3",
		"VADDPS t3, t2, o3", "VSUBPS t3, t2, o4",
		"VMOVAPS i0, o0", "VMOVAPS i3, o5",
	}},
	{name: "Kernel", rows: 6, cols: 3, constants: []float32{0.25, 1. / 6, 1. / 24, 1. / 12, -1. / 6}, program: []string{
		"VMULPS c0, i0, o0",
		"VADDPS i2, i0, t0", "VADDPS i1, t0, o1", "VMULPS c4, o1, o1",
		"VSUBPS t0, i1, o2", "VMULPS c1, o2, o2",
		"VMULPS c2, i0, t2", "VFMADD231PS c1, i2, t2", "VMULPS c3, i1, t3",
		"VADDPS t3, t2, o3", "VSUBPS t3, t2, o4",
		"VMOVAPS i2, o5",
	}},
	{name: "KernelGradient", rows: 3, cols: 6, constants: []float32{0.25, 1. / 6, 1. / 24, 1. / 12}, program: []string{
		"VADDPS i2, i1, t0", "VSUBPS i1, i2, t1", "VADDPS i4, i3, t2", "VSUBPS i4, i3, t3",
		"VMULPS c1, t0, t0",
		"VMULPS c0, i0, o0", "VSUBPS t0, o0, o0", "VFMADD231PS c2, t2, o0",
		"VMULPS c1, t1, o1", "VFMADD231PS c3, t3, o1",
		"VSUBPS t0, i5, o2", "VFMADD231PS c1, t2, o2",
	}},
}

// in, out and temp are the registers of a program, which AVX-512 has room to keep
// constants beside.
func (w *last) in(i int) int   { return i }
func (w *last) out(i int) int  { return 6 + i }
func (w *last) temp(i int) int { return 12 + i }

// run writes a program.
func (w *last) run(t transform) {
	for _, line := range t.program {
		op, operands, _ := strings.Cut(line, " ")
		list := strings.Split(operands, ", ")
		for i, o := range list {
			n := int(o[1] - '0')
			switch o[0] {
			case 'i':
				list[i] = w.v(w.in(n))
			case 'o':
				list[i] = w.v(w.out(n))
			case 't':
				list[i] = w.v(w.temp(n))
			case 'c':
				if list[i] = w.v(24 + n); !w.wide() {
					list[i] = fmt.Sprintf("·transform%s<>+%d(SB)", t.name, 32*n)
				}
			}
		}
		w.p("%s %s", op, strings.Join(list, ", "))
	}
}

// transform writes transformGo for one of them: tiles in a row, blocks of a vector
// of channels each. The first pass leaves M·X in the scratch space.
func (w *last) transform(t transform) {
	w.text("Transform"+t.name, "t *transform32", 8)
	w.p("MOVQ t+0(FP), SI")
	if w.wide() {
		for i := range t.constants {
			w.p("VBROADCASTSS ·transform512%s<>+%d(SB), Z%d", t.name, 4*i, 24+i)
		}
	}
	w.label("tile")
	w.p("MOVQ 16(SI), AX")
	w.p("MOVQ 48(SI), DI")
	w.p("MOVQ 8(SI), CX")
	w.p("MOVQ 88(SI), R12")
	if w.wide() {
		w.p("MOVQ $0xffff, DX")
		w.p("KMOVW DX, K1")
	}
	w.label("block")
	w.p("CMPQ CX, $1")
	w.p("JNE full")
	if w.wide() {
		w.p("KMOVW 104(SI), K1")
		w.label("full")
		w.block(t, "", true)
	} else {
		w.p("CMPQ 112(SI), $8")
		w.p("JNE some")
		w.label("full")
		w.block(t, "", false)
		w.p("JMP next")
		w.label("some")
		w.block(t, "some", true)
		w.label("next")
	}
	w.p("ADDQ $%d, AX", w.bytes())
	w.p("ADDQ $%d, DI", w.bytes())
	w.p("DECQ CX")
	w.p("JNZ block")
	w.p("MOVQ 40(SI), DX")
	w.p("ADDQ DX, 16(SI)")
	w.p("MOVQ 72(SI), DX")
	w.p("ADDQ DX, 48(SI)")
	w.p("DECQ (SI)")
	w.p("JNZ tile")
	w.p("VZEROUPPER")
	w.p("RET")
	fmt.Fprintln(w)
	name, size, copies := "transform512"+t.name, 4, 1
	if !w.wide() {
		name, size, copies = "transform"+t.name, 32, 8
	}
	for i, c := range t.constants {
		for j := 0; j < copies; j++ {
			fmt.Fprintf(w, "DATA ·%s<>+%d(SB)/4, $(%.12f)\n", name, size*i+4*j, c)
		}
	}
	fmt.Fprintf(w, "GLOBL ·%s<>(SB), RODATA|NOPTR, $%d\n", name, size*len(t.constants))
}

// block writes a transform of one vector of channels, of which only some lanes may
// count.
func (w *last) block(t transform, label string, some bool) {
	mask := w.temp(3) // free while elements are loaded and stored
	setMask := func() {
		if some && !w.wide() {
			w.p("MOVQ 112(SI), R12")
			w.laneMask(mask)
		}
	}
	load := func(from string, to int) {
		if some {
			w.loadLast(from, mask, to)
			return
		}
		w.p("VMOVUPS %s, %s", from, w.v(to))
	}
	row := func(i int) string {
		return "(DX)" + [6]string{"", "(R8*1)", "(R8*2)", "(R10*1)", "(R8*4)", "(R11*1)"}[i]
	}
	w.p("MOVQ 24(SI), R8") // row step
	w.p("MOVQ 32(SI), R9") // column step
	w.p("MOVQ 80(SI), BX") // scratch
	w.p("LEAQ (R8)(R8*2), R10")
	w.p("LEAQ (R8)(R8*4), R11")
	w.p("MOVQ AX, DX")
	for j := 0; j < t.cols; j++ {
		setMask()
		for i := 0; i < t.cols; i++ {
			load(row(i), w.in(i))
		}
		if j+1 < t.cols {
			w.p("ADDQ R9, DX")
		}
		w.run(t)
		for i := 0; i < t.rows; i++ {
			w.p("VMOVUPS %s, %d(BX)", w.v(w.out(i)), w.bytes()*(i*t.cols+j))
		}
	}
	w.p("MOVQ 56(SI), R9")
	w.p("MOVQ 64(SI), R8")
	w.p("LEAQ (R8)(R8*2), R10")
	w.p("LEAQ (R8)(R8*4), R11")
	w.p("MOVQ DI, DX")
	for i := 0; i < t.rows; i++ {
		for j := 0; j < t.cols; j++ {
			w.p("VMOVUPS %s, %s", at(w.bytes()*(i*t.cols+j), "(BX)"), w.v(w.in(j)))
		}
		w.run(t)
		setMask()
		if t.bias {
			w.bias(t, fmt.Sprint(label, i), some, mask, load)
		}
		for j := 0; j < t.rows; j++ {
			if some {
				w.storeLast(w.out(j), mask, row(j))
			} else {
				w.p("VMOVUPS %s, %s", w.v(w.out(j)), row(j))
			}
		}
		if i+1 < t.rows {
			w.p("ADDQ R9, DX")
		}
	}
}

// bias adds a bias to a row of an output, where there is one, and rectifies it.
func (w *last) bias(t transform, label string, some bool, mask int, load func(string, int)) {
	w.p("MOVQ 88(SI), R12")
	w.p("TESTQ R12, R12")
	w.p("JZ nobias%s", label)
	w.p("MOVQ 8(SI), R13") // blocks done so far are vectors of the bias behind
	w.p("SUBQ CX, R13")
	w.p("IMUL3Q $%d, R13, R13", w.bytes())
	w.p("ADDQ R13, R12")
	load("(R12)", w.in(0))
	for j := 0; j < t.rows; j++ {
		w.p("VADDPS %s, %s, %s", w.v(w.in(0)), w.v(w.out(j)), w.v(w.out(j)))
	}
	w.label("nobias" + label)
	w.p("CMPQ 96(SI), $0")
	w.p("JE linear%s", label)
	w.zero(w.in(1))
	for j := 0; j < t.rows; j++ {
		w.p("VMAXPS %s, %s, %s", w.v(w.out(j)), w.v(w.in(1)), w.v(w.out(j)))
	}
	w.label("linear" + label)
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
