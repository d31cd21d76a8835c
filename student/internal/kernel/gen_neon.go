// SPDX-License-Identifier: Apache-2.0

//go:build ignore

// Loops over slices in NEON. A block of eight is two vectors. Instructions that Go's
// assembler does not know are written as their words, after the Arm Architecture
// Reference Manual for A-profile, C7.
package main

import (
	"fmt"
	"strings"
)

type neon struct{}

func (neon) prefix() string { return "neon" }

func (neon) tag() string { return "arm64" }

// Instructions on vectors of four elements of 32 bits, without their registers.
const (
	fadd   = 0x4e20d400
	fsub   = 0x4ea0d400
	fmul   = 0x6e20dc00
	fdiv   = 0x6e20fc00
	fmla   = 0x4e20cc00
	fmax   = 0x4e20f400
	fmin   = 0x4ea0f400
	fsqrt  = 0x6ea1f800
	fabs   = 0x4ea0f800
	fcmgt  = 0x6ea0e400
	fcmge  = 0x6e20e400
	fcmeq  = 0x4e20e400
	fcmlt0 = 0x4ea0e800
	frintn = 0x4e218800
	fcvtns = 0x4e21a800
	and    = 0x4e201c00
	bic    = 0x4e601c00
	orr    = 0x4ea01c00
	bsl    = 0x6e601c00
	add    = 0x4ea08400
	sub    = 0x6ea08400
	shl23  = 0x4f375400
	sshr1  = 0x4f3f0400
	// On vectors of two elements of 64 bits.
	fadd2  = 0x4e60d400
	fmul2  = 0x6e60dc00
	fcvtl  = 0x0e617800
	fcvtl2 = 0x4e617800
	faddp2 = 0x7e70d800 // of one vector's two elements
)

var mnemonics = map[int]string{
	fadd: "FADD", fsub: "FSUB", fmul: "FMUL", fdiv: "FDIV", fmla: "FMLA", fmax: "FMAX", fmin: "FMIN", fsqrt: "FSQRT", fabs: "FABS",
	fcmgt: "FCMGT", fcmge: "FCMGE", fcmeq: "FCMEQ", fcmlt0: "FCMLT #0", frintn: "FRINTN", fcvtns: "FCVTNS", and: "AND", bic: "BIC",
	orr: "ORR", bsl: "BSL", add: "ADD", sub: "SUB", shl23: "SHL #23", sshr1: "SSHR #1", fadd2: "FADD.2D", fmul2: "FMUL.2D",
	fcvtl: "FCVTL", fcvtl2: "FCVTL2", faddp2: "FADDP.2D",
}

// three writes an instruction with a result and two operands.
func (w *writer) three(op, d, n, m int) {
	w.p("WORD $0x%08x // %s V%d, V%d, V%d", op|m<<16|n<<5|d, mnemonics[op], d, n, m)
}

// two writes an instruction with a result and one operand.
func (w *writer) two(op, d, n int) {
	w.p("WORD $0x%08x // %s V%d, V%d", op|n<<5|d, mnemonics[op], d, n)
}

func (s neon) write(w *writer, l loop) {
	l.begin(w, s)
	w.p("MOVD blocks+0(FP), R0")
	names := strings.Fields(l.pointers)
	for i, name := range names {
		w.p("MOVD %s+%d(FP), R%d", name, 8+8*i, i+1)
	}
	for i, name := range strings.Fields(l.scalars) {
		w.p("FMOVS %s+%d(FP), F%d", name, 8+8*len(names)+4*i, 31-i)
		w.p("VDUP V%d.S[0], V%d.S4", 31-i, 31-i)
	}
	if strings.Contains(l.body, "{") {
		w.p("MOVD $constants<>(SB), R8")
	}
	if strings.Contains(l.body, "zero") {
		w.p("VEOR V%d.B16, V%d.B16, V%d.B16", s.zero(l), s.zero(l), s.zero(l))
	}
	w.label("block")
	for _, st := range l.steps() {
		for u := range 2 {
			s.step(w, l, st, u)
		}
	}
	for i := range names {
		w.p("ADD $32, R%d", i+1)
	}
	w.p("SUBS $1, R0")
	w.p("BNE block")
	w.p("RET")
}

// zero is the number of the register that holds zeros; the two below are free for
// constants.
func (neon) zero(l loop) int { return 31 - len(strings.Fields(l.scalars)) }

// step writes a step for vector u of a block.
func (s neon) step(w *writer, l loop, st step, u int) {
	own := func(name string) int {
		i := l.register(name)
		if i < 0 {
			return -1
		}
		if 2*i+u >= s.zero(l)-2 {
			panic(l.name + " has too few registers")
		}
		return 2*i + u
	}
	register := func(name string, scratch int) int {
		if r := own(name); r >= 0 {
			return r
		}
		if name == "zero" {
			return s.zero(l)
		}
		if i := index(l.scalars, name); i >= 0 {
			return 31 - i
		}
		if constant(name) < 0 {
			panic(l.name + " has no " + name)
		}
		w.p("FMOVQ %d(R8), F%d", 16*constant(name), scratch)
		return scratch
	}
	d := own(st.result)
	o := func(i int) int { return register(st.operands[i], s.zero(l)-1-i%2) }
	memory := func() string { return fmt.Sprintf("%d(R%d)", 16*u, index(l.pointers, st.operands[0])+1) }
	switch st.operation {
	case "load":
		w.p("FMOVQ %s, F%d", memory(), d)
	case "store":
		w.p("FMOVQ F%d, %s", own(st.operands[1]), memory())
	case "add", "sub", "mul", "div", "min", "max", "and", "or", "iadd", "isub", "gt":
		op := map[string]int{"add": fadd, "sub": fsub, "mul": fmul, "div": fdiv, "min": fmin, "max": fmax, "and": and, "or": orr,
			"iadd": add, "isub": sub, "gt": fcmgt}[st.operation]
		a := o(0)
		w.three(op, d, a, o(1))
	case "abs", "sqrt", "round", "toint", "half", "exponent":
		op := map[string]int{"abs": fabs, "sqrt": fsqrt, "round": frintn, "toint": fcvtns, "half": sshr1, "exponent": shl23}[st.operation]
		w.two(op, d, o(0))
	case "relu":
		w.two(fcmlt0, s.zero(l)-1, o(0))
		w.three(bic, d, o(0), s.zero(l)-1)
	case "beats":
		a, b := o(0), o(1)
		w.three(fcmge, s.zero(l)-1, b, a)
		w.three(fcmeq, d, b, b)
		w.three(bic, d, d, s.zero(l)-1)
	case "keep":
		w.three(and, d, own("M"), o(1))
	case "sel":
		// BSL replaces its mask by the result.
		m, scratch := own("M"), s.zero(l)-1
		a := o(1)
		w.three(orr, scratch, m, m)
		w.three(bsl, scratch, a, own(st.operands[2]))
		w.three(orr, d, scratch, scratch)
	default:
		panic("no operation " + st.operation)
	}
}

// reduce writes the sum and the scalar product in float64, and the maximum.
func (s neon) reduce(w *writer) {
	load := func(pointer string, to int) {
		w.p("FMOVQ.P 16(%s), F%d", pointer, to)
		w.p("FMOVQ.P 16(%s), F%d", pointer, to+1)
	}
	widen := func(from, to int) {
		w.two(fcvtl, to, from)
		w.two(fcvtl2, to+1, from)
		w.two(fcvtl, to+2, from+1)
		w.two(fcvtl2, to+3, from+1)
	}
	for _, name := range []string{"Sum", "Dot"} {
		args, frame, ret := "blocks int, x *float32", 24, 16
		if name == "Dot" {
			args, frame, ret = "blocks int, x, y *float32", 32, 24
		}
		fmt.Fprintf(w, "\n// func neon%s(%s) float64\nTEXT ·neon%s(SB), NOSPLIT, $0-%d\n", name, args, name, frame)
		w.p("MOVD blocks+0(FP), R0")
		w.p("MOVD x+8(FP), R1")
		if name == "Dot" {
			w.p("MOVD y+16(FP), R2")
		}
		for i := range 4 {
			w.p("VEOR V%d.B16, V%d.B16, V%d.B16", i, i, i)
		}
		w.label("block")
		load("R1", 4)
		widen(4, 8)
		if name == "Dot" {
			load("R2", 6)
			widen(6, 12)
			for i := range 4 {
				w.three(fmul2, 8+i, 8+i, 12+i)
			}
		}
		for i := range 4 {
			w.three(fadd2, i, i, 8+i)
		}
		w.p("SUBS $1, R0")
		w.p("BNE block")
		w.three(fadd2, 0, 0, 2)
		w.three(fadd2, 1, 1, 3)
		w.three(fadd2, 0, 0, 1)
		w.two(faddp2, 0, 0)
		w.p("FMOVD F0, ret+%d(FP)", ret)
		w.p("RET")
	}
	fmt.Fprint(w, "\n// func neonMax(blocks int, x *float32) float32\nTEXT ·neonMax(SB), NOSPLIT, $0-20\n")
	w.p("MOVD blocks+0(FP), R0")
	w.p("MOVD x+8(FP), R1")
	w.p("FMOVQ 0(R1), F0")
	w.p("FMOVQ 16(R1), F1")
	larger := func(top, v, mask int) {
		w.three(fcmgt, mask, v, top)
		w.three(bsl, mask, v, top)
		w.three(orr, top, mask, mask)
	}
	w.label("block")
	load("R1", 2)
	larger(0, 2, 4)
	larger(1, 3, 5)
	w.p("SUBS $1, R0")
	w.p("BNE block")
	larger(0, 1, 4)
	for lane := 1; lane < 4; lane++ {
		w.p("VDUP V0.S[%d], V1.S4", lane)
		larger(0, 1, 4)
	}
	w.p("FMOVS F0, ret+16(FP)")
	w.p("RET")
}
