// SPDX-License-Identifier: Apache-2.0

//go:build ignore

// Winograd's transforms, which gen_clconv.go writes.
package main

import (
	"fmt"
	"strings"
)

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
