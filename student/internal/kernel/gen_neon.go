// SPDX-License-Identifier: Apache-2.0

//go:build ignore

// Loops over slices in NEON. A block of eight is two vectors.
package main

import (
	"fmt"
	"strings"
)

type neon struct{}

func (neon) prefix() string { return "neon" }

func (neon) tag() string { return "arm64" }

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
	case "min", "max":
		// As on x86 the second operand is the result where neither is less.
		a, b, scratch := o(0), own(st.operands[1]), s.zero(l)-2
		if st.operation == "max" {
			w.three(fcmgt, scratch, a, b)
		} else {
			w.three(fcmgt, scratch, b, a)
		}
		w.three(bsl, scratch, a, b)
		w.three(orr, d, scratch, scratch)
	case "add", "sub", "mul", "div", "and", "or", "iadd", "isub", "gt":
		op := map[string]int{"add": fadd, "sub": fsub, "mul": fmul, "div": fdiv, "and": and, "or": orr,
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
		w.three(bsl, scratch, a, register(st.operands[2], scratch-1))
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
