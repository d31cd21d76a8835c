// SPDX-License-Identifier: Apache-2.0

//go:build ignore

// This program writes clconv_avx512_amd64.s, the micro-kernels of convolutions over
// channels-last images, and clwinograd_avx512_amd64.s, Winograd's transforms.
package main

import "fmt"

func main() {
	var w writer
	for vectors := 1; vectors <= 2; vectors++ {
		for rows := 1; rows <= 28/vectors && rows <= 24; rows++ {
			w.lines(vectors, rows)
		}
	}
	for vectors := 1; vectors <= 2; vectors++ {
		for rows := 1; rows <= 28/vectors && rows <= 24; rows++ {
			w.outers(vectors, rows)
		}
	}
	w.maskedRow()
	w.save("gen_clconv.go", "clconv_avx512_amd64.s")
	w.Reset()
	for _, t := range transforms {
		w.transform(t)
	}
	w.save("gen_clconv.go", "clwinograd_avx512_amd64.s")
}

func (w *writer) text(name, args string, size int) {
	fmt.Fprintf(w, "\n// func %s(%s)\nTEXT ·%s(SB), NOSPLIT, $0-%d\n", name, args, name, size)
}

// from is element row of a column that begins at one of three registers, nine
// rows a register, with one, three, five and seven steps in R8 to R11.
func from(row, disp int) string {
	index := [9]string{"", "(R8*1)", "(R8*2)", "(R9*1)", "(R8*4)", "(R10*1)", "(R9*2)", "(R11*1)", "(R8*8)"}[row%9]
	s := "(" + [3]string{"AX", "BX", "CX"}[row/9] + ")" + index
	if disp != 0 {
		return fmt.Sprintf("%d%s", disp, s)
	}
	return s
}

// steps sets R9 to R11 to three, five and seven times R8.
func (w *writer) steps() {
	w.p("LEAQ (R8)(R8*2), R9")
	w.p("LEAQ (R8)(R8*4), R10")
	w.p("LEAQ (R9)(R8*4), R11")
}

// bases sets the second and third register of a column whose first is AX.
func (w *writer) bases(rows int) {
	if rows > 9 {
		w.p("LEAQ (AX)(R8*8), BX")
		w.p("ADDQ R8, BX")
	}
	if rows > 18 {
		w.p("LEAQ (BX)(R8*8), CX")
		w.p("ADDQ R8, CX")
	}
}

// lines writes linesGo for tiles of some rows by one or two vectors. The sums are
// Z4 on, row after row; of the last vector the lanes of K1 are loaded and stored.
func (w *writer) lines(vectors, rows int) {
	sum := func(row, i int) string { return fmt.Sprintf("Z%d", 4+vectors*row+i) }
	w.text(fmt.Sprintf("avx512Lines%dx%d", vectors, rows), "l *lines32", 8)
	w.p("MOVQ l+0(FP), SI")
	w.p("KMOVW 96(SI), K1")
	w.p("MOVQ 16(SI), R8")
	w.steps()
	w.label("tile")
	w.p("MOVQ 80(SI), AX")
	w.p("TESTQ AX, AX")
	w.p("JZ nobias")
	for i := 0; i < vectors; i++ {
		if i == vectors-1 {
			w.p("VMOVUPS.Z %d(AX), K1, %s", 64*i, sum(0, i))
		} else {
			w.p("VMOVUPS %d(AX), %s", 64*i, sum(0, i))
		}
	}
	for r := 1; r < rows; r++ {
		for i := 0; i < vectors; i++ {
			w.p("VMOVAPS %s, %s", sum(0, i), sum(r, i))
		}
	}
	w.p("JMP begin")
	w.label("nobias")
	for r := 0; r < rows; r++ {
		for i := 0; i < vectors; i++ {
			w.p("VPXORQ %s, %s, %s", sum(r, i), sum(r, i), sum(r, i))
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
	w.p("VMOVUPS (DX), Z0")
	if vectors == 2 {
		w.p("VMOVUPS 64(DX), Z1")
	}
	for r := 0; r < rows; r++ {
		if vectors == 1 {
			w.p("VFMADD231PS.BCST %s, Z0, %s", from(r, 0), sum(r, 0))
			continue
		}
		t := 2 + r%2
		w.p("VBROADCASTSS %s, Z%d", from(r, 0), t)
		w.p("VFMADD231PS Z0, Z%d, %s", t, sum(r, 0))
		w.p("VFMADD231PS Z1, Z%d, %s", t, sum(r, 1))
	}
	w.p("ADDQ $%d, DX", 64*vectors)
	w.p("ADDQ $4, AX")
	if rows > 9 {
		w.p("ADDQ $4, BX")
	}
	if rows > 18 {
		w.p("ADDQ $4, CX")
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
	w.p("MOVQ 72(SI), R12")
	w.p("TESTQ R12, R12")
	w.p("JZ rectify")
	for r := 0; r < rows; r++ {
		for i := 0; i < vectors; i++ {
			if i == vectors-1 {
				w.p("VMOVUPS.Z %s, K1, Z0", from(r, 64*i))
				w.p("VADDPS Z0, %s, %s", sum(r, i), sum(r, i))
			} else {
				w.p("VADDPS %s, %s, %s", from(r, 64*i), sum(r, i), sum(r, i))
			}
		}
	}
	w.label("rectify")
	w.p("MOVQ 88(SI), R12")
	w.p("TESTQ R12, R12")
	w.p("JZ store")
	w.p("VPXORQ Z0, Z0, Z0")
	for r := 0; r < rows; r++ {
		for i := 0; i < vectors; i++ {
			w.p("VMAXPS %s, Z0, %s", sum(r, i), sum(r, i)) // a NaN in the sum stays
		}
	}
	w.label("store")
	for r := 0; r < rows; r++ {
		for i := 0; i < vectors; i++ {
			if i == vectors-1 {
				w.p("VMOVUPS %s, K1, %s", sum(r, i), from(r, 64*i))
			} else {
				w.p("VMOVUPS %s, %s", sum(r, i), from(r, 64*i))
			}
		}
	}
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
func (w *writer) outers(vectors, rows int) {
	sum := func(row, i int) string { return fmt.Sprintf("Z%d", 4+vectors*row+i) }
	w.text(fmt.Sprintf("avx512Outers%dx%d", vectors, rows), "o *outers32", 8)
	w.p("MOVQ o+0(FP), SI")
	w.p("KMOVW 80(SI), K1")
	for r := 0; r < rows; r++ {
		for i := 0; i < vectors; i++ {
			w.p("VPXORQ %s, %s, %s", sum(r, i), sum(r, i), sum(r, i))
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
			w.p("VMOVUPS.Z %s, K1, Z%d", [2]string{"(DX)", "64(DX)"}[i], i)
		} else {
			w.p("VMOVUPS (DX), Z%d", i)
		}
	}
	for r := 0; r < rows; r++ {
		at := "(AX)"
		if r > 0 {
			at = fmt.Sprintf("%d(AX)", 4*r)
		}
		if vectors == 1 {
			w.p("VFMADD231PS.BCST %s, Z0, %s", at, sum(r, 0))
			continue
		}
		t := 2 + r%2
		w.p("VBROADCASTSS %s, Z%d", at, t)
		w.p("VFMADD231PS Z0, Z%d, %s", t, sum(r, 0))
		w.p("VFMADD231PS Z1, Z%d, %s", t, sum(r, 1))
	}
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
			at := [2]string{"(AX)", "64(AX)"}[i]
			w.p("VADDPS %s, %s, %s", at, sum(r, i), sum(r, i))
			w.p("VMOVUPS %s, %s", sum(r, i), at)
		}
		w.p("ADDQ R8, AX")
	}
	w.p("VZEROUPPER")
	w.p("RET")
}

// maskedRow writes maskedRowGo: pixels of one vector of channels, masked by the
// sign of y where there is one, copied and summed.
func (w *writer) maskedRow() {
	w.text("avx512MaskedRow", "pixels, step int, dst, src, y, sum *float32, mask int", 56)
	w.load("pixels", "CX", "step", "R8", "dst", "DI", "src", "SI", "y", "DX", "sum", "BX")
	w.p("MOVQ mask+48(FP), AX")
	w.p("KMOVW AX, K1")
	w.p("SHLQ $2, R8")
	w.p("VMOVUPS.Z (BX), K1, Z0")
	w.p("TESTQ DX, DX")
	w.p("JZ plain")
	w.p("VPXORQ Z2, Z2, Z2")
	w.label("step")
	w.p("VMOVUPS.Z (DX), K1, Z1")
	w.p("VCMPPS $0x1e, Z2, Z1, K1, K2") // greater than zero, false for a NaN
	w.p("VMOVUPS.Z (SI), K2, Z3")
	w.p("VADDPS Z3, Z0, Z0")
	w.p("VMOVUPS Z3, K1, (DI)")
	w.p("ADDQ R8, SI")
	w.p("ADDQ R8, DI")
	w.p("ADDQ R8, DX")
	w.p("DECQ CX")
	w.p("JNZ step")
	w.p("JMP end")
	w.label("plain")
	w.p("VMOVUPS.Z (SI), K1, Z3")
	w.p("VADDPS Z3, Z0, Z0")
	w.p("VMOVUPS Z3, K1, (DI)")
	w.p("ADDQ R8, SI")
	w.p("ADDQ R8, DI")
	w.p("DECQ CX")
	w.p("JNZ plain")
	w.label("end")
	w.p("VMOVUPS Z0, K1, (BX)")
	w.p("VZEROUPPER")
	w.p("RET")
}

// transform is a product M·X·Mᵀ of which M has rows by cols elements. The program
// computes M times a column: in are Z0 on, out Z8 on, Z16 on are free; constants
// are Z24 on.
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
		"VMOVAPS Z4, Z16", "VFNMADD231PS Z24, Z2, Z16", // t = d4 - 4 d2
		"VMOVAPS Z3, Z17", "VFNMADD231PS Z24, Z1, Z17", // u = d3 - 4 d1
		"VADDPS Z17, Z16, Z9", "VSUBPS Z17, Z16, Z10",
		"VSUBPS Z2, Z4, Z18", "VSUBPS Z1, Z3, Z19", // v = d4 - d2, w = d3 - d1
		"VMOVAPS Z18, Z11", "VFMADD231PS Z26, Z19, Z11",
		"VMOVAPS Z18, Z12", "VFNMADD231PS Z26, Z19, Z12",
		"VMOVAPS Z4, Z8", "VFNMADD231PS Z25, Z2, Z8", "VFMADD231PS Z24, Z0, Z8",
		"VMOVAPS Z5, Z13", "VFNMADD231PS Z25, Z3, Z13", "VFMADD231PS Z24, Z1, Z13",
	}},
	{name: "Output", rows: 4, cols: 6, constants: []float32{2, 4, 8}, bias: true, program: []string{
		"VADDPS Z2, Z1, Z16", "VSUBPS Z2, Z1, Z17", "VADDPS Z4, Z3, Z18", "VSUBPS Z4, Z3, Z19",
		"VADDPS Z16, Z0, Z8", "VADDPS Z18, Z8, Z8",
		"VMOVAPS Z17, Z9", "VFMADD231PS Z24, Z19, Z9",
		"VMOVAPS Z16, Z10", "VFMADD231PS Z25, Z18, Z10",
		"VADDPS Z17, Z5, Z11", "VFMADD231PS Z26, Z19, Z11",
	}},
	{name: "Gradient", rows: 6, cols: 4, constants: []float32{2, 4, 8}, program: []string{
		"VADDPS Z2, Z0, Z16", "VADDPS Z3, Z1, Z17", "VADDPS Z17, Z16, Z9", "VSUBPS Z17, Z16, Z10",
		"VMOVAPS Z0, Z18", "VFMADD231PS Z25, Z2, Z18",
		"VMULPS Z24, Z1, Z19", "VFMADD231PS Z26, Z3, Z19",
		"VADDPS Z19, Z18, Z11", "VSUBPS Z19, Z18, Z12",
		"VMOVAPS Z0, Z8", "VMOVAPS Z3, Z13",
	}},
	{name: "Kernel", rows: 6, cols: 3, constants: []float32{0.25, 1. / 6, 1. / 24, 1. / 12}, program: []string{
		"VMULPS Z24, Z0, Z8",
		"VADDPS Z2, Z0, Z16", "VMULPS Z25, Z16, Z16", "VMULPS Z25, Z1, Z17",
		"VADDPS Z17, Z16, Z9", "VSUBPS Z9, Z31, Z9", "VSUBPS Z16, Z17, Z10",
		"VMULPS Z26, Z0, Z18", "VFMADD231PS Z25, Z2, Z18", "VMULPS Z27, Z1, Z19",
		"VADDPS Z19, Z18, Z11", "VSUBPS Z19, Z18, Z12",
		"VMOVAPS Z2, Z13",
	}},
	{name: "KernelGradient", rows: 3, cols: 6, constants: []float32{0.25, 1. / 6, 1. / 24, 1. / 12}, program: []string{
		"VADDPS Z2, Z1, Z16", "VSUBPS Z1, Z2, Z17", "VADDPS Z4, Z3, Z18", "VSUBPS Z4, Z3, Z19",
		"VMULPS Z25, Z16, Z16",
		"VMULPS Z24, Z0, Z8", "VSUBPS Z16, Z8, Z8", "VFMADD231PS Z26, Z18, Z8",
		"VMULPS Z25, Z17, Z9", "VFMADD231PS Z27, Z19, Z9",
		"VMOVAPS Z5, Z10", "VSUBPS Z16, Z10, Z10", "VFMADD231PS Z25, Z18, Z10",
	}},
}

// transform writes transformGo for one of them: tiles in a row, blocks of sixteen
// channels each. The first pass leaves M·X in the scratch space.
func (w *writer) transform(t transform) {
	w.text("avx512Transform"+t.name, "t *transform32", 8)
	w.p("MOVQ t+0(FP), SI")
	w.p("VPXORQ Z31, Z31, Z31")
	for i := range t.constants {
		w.p("VBROADCASTSS ·transform%s<>+%d(SB), Z%d", t.name, 4*i, 24+i)
	}
	w.label("tile")
	w.p("MOVQ 16(SI), AX")
	w.p("MOVQ 48(SI), DI")
	w.p("MOVQ 8(SI), R13")
	w.p("MOVQ 88(SI), R12")
	w.p("MOVQ $0xffff, DX")
	w.p("KMOVW DX, K1")
	w.label("block")
	w.p("CMPQ R13, $1")
	w.p("JNE full")
	w.p("KMOVW 104(SI), K1")
	w.label("full")
	w.p("MOVQ 24(SI), R8") // row step
	w.p("MOVQ 32(SI), R9") // column step
	w.p("MOVQ 80(SI), BX") // scratch
	row := func(base string, i int) string {
		return base + [6]string{"", "(R8*1)", "(R8*2)", "(R10*1)", "(R8*4)", "(R11*1)"}[i]
	}
	w.p("LEAQ (R8)(R8*2), R10")
	w.p("LEAQ (R8)(R8*4), R11")
	w.p("MOVQ AX, DX")
	for j := 0; j < t.cols; j++ {
		for i := 0; i < t.cols; i++ {
			w.p("VMOVUPS.Z %s, K1, Z%d", row("(DX)", i), i)
		}
		if j+1 < t.cols {
			w.p("ADDQ R9, DX")
		}
		for _, line := range t.program {
			w.p("%s", line)
		}
		for i := 0; i < t.rows; i++ {
			w.p("VMOVUPS Z%d, %d(BX)", 8+i, 64*(i*t.cols+j))
		}
	}
	w.p("MOVQ 56(SI), R10")
	w.p("MOVQ 64(SI), R8")
	w.p("LEAQ (R8)(R8*4), R11")
	w.p("MOVQ R10, R9")
	w.p("LEAQ (R8)(R8*2), R10")
	if t.bias {
		w.p("VPXORQ Z28, Z28, Z28")
		w.p("TESTQ R12, R12")
		w.p("JZ nobias")
		w.p("VMOVUPS.Z (R12), K1, Z28")
		w.p("ADDQ $64, R12")
		w.label("nobias")
	}
	w.p("MOVQ DI, DX")
	for i := 0; i < t.rows; i++ {
		for j := 0; j < t.cols; j++ {
			w.p("VMOVUPS %d(BX), Z%d", 64*(i*t.cols+j), j)
		}
		for _, line := range t.program {
			w.p("%s", line)
		}
		for j := 0; j < t.rows; j++ {
			if t.bias {
				w.p("VADDPS Z28, Z%d, Z%d", 8+j, 8+j)
			}
		}
		if t.bias {
			w.p("CMPQ 96(SI), $0")
			w.p("JE linear%d", i)
			for j := 0; j < t.rows; j++ {
				w.p("VMAXPS Z%d, Z31, Z%d", 8+j, 8+j)
			}
			w.label(fmt.Sprintf("linear%d", i))
		}
		for j := 0; j < t.rows; j++ {
			w.p("VMOVUPS Z%d, K1, %s", 8+j, row("(DX)", j))
		}
		if i+1 < t.rows {
			w.p("ADDQ R9, DX")
		}
	}
	w.p("ADDQ $64, AX")
	w.p("ADDQ $64, DI")
	w.p("DECQ R13")
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
	for i, c := range t.constants {
		fmt.Fprintf(w, "DATA ·transform%s<>+%d(SB)/4, $%.12f\n", t.name, 4*i, c)
	}
	fmt.Fprintf(w, "GLOBL ·transform%s<>(SB), RODATA|NOPTR, $%d\n", t.name, 4*len(t.constants))
}
