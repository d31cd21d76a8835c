// SPDX-License-Identifier: Apache-2.0

//go:build ignore

// Loops over slices in AVX2 and AVX-512. The latter takes vectors of sixteen and, of
// an odd number of blocks, one of eight.
package main

import (
	"fmt"
	"strings"
)

// x86 is AVX2 with registers Y, AVX-512 with registers Z.
type x86 struct{ width string }

func (s x86) wide() bool { return s.width == "Z" }

func (s x86) prefix() string {
	if s.wide() {
		return "avx512"
	}
	return "avx2"
}

func (s x86) tag() string { return "amd64" }

// table writes the constants: once for each element of a vector, but once in all
// where instructions take one for all lanes.
func table(w *writer, s set) {
	fmt.Fprintln(w)
	lanes := 1
	switch s.prefix() {
	case "avx2":
		lanes = 8
	case "neon":
		lanes = 4
	}
	for i, c := range constants {
		for lane := range lanes {
			fmt.Fprintf(w, "DATA constants<>+%d(SB)/4, $0x%08x\n", 4*lanes*i+4*lane, c.bits)
		}
	}
	fmt.Fprintf(w, "GLOBL constants<>(SB), RODATA|NOPTR, $%d\n", 4*lanes*len(constants))
}

var pointers = []string{"AX", "BX", "DX", "DI"}

func (s x86) write(w *writer, l loop) {
	l.begin(w, s)
	w.p("MOVQ blocks+0(FP), CX")
	slices := strings.Fields(l.pointers)
	for i, name := range slices {
		w.p("MOVQ %s+%d(FP), %s", name, 8+8*i, pointers[i])
	}
	for i, name := range strings.Fields(l.scalars) {
		w.p("VBROADCASTSS %s+%d(FP), %s%d", name, 8+8*len(slices)+4*i, s.width, 15-i)
	}
	if strings.Contains(l.body, "zero") || strings.Contains(l.body, "relu") {
		w.p("VXORPS Y%d, Y%d, Y%d", s.zero(l), s.zero(l), s.zero(l))
	}
	w.p("XORQ R8, R8")
	bytes, unit := 32, 1 // of a vector, and its blocks
	if s.wide() {
		bytes, unit = 64, 2
	}
	run := func(width string, count int) {
		steps := l.steps()
		// The same step of all vectors stands together.
		for _, st := range steps {
			for u := range count {
				s.step(w, l, st, width, u, bytes)
			}
		}
	}
	if l.unroll > 1 {
		w.p("SUBQ $%d, CX", l.unroll*unit)
		w.p("JLT rest")
		w.label("many")
		run(s.width, l.unroll)
		w.p("ADDQ $%d, R8", bytes*l.unroll)
		w.p("SUBQ $%d, CX", l.unroll*unit)
		w.p("JGE many")
		w.label("rest")
		w.p("ADDQ $%d, CX", l.unroll*unit)
		if !s.wide() {
			w.p("JZ done")
		}
	}
	if s.wide() {
		w.p("SUBQ $2, CX")
		w.p("JLT last")
	}
	w.label("one")
	run(s.width, 1)
	w.p("ADDQ $%d, R8", bytes)
	w.p("SUBQ $%d, CX", unit)
	if s.wide() {
		w.p("JGE one")
		w.label("last")
		w.p("ADDQ $2, CX")
		w.p("JZ done")
		run("Y", 1)
	} else {
		w.p("JNZ one")
	}
	if s.wide() || l.unroll > 1 {
		w.label("done")
	}
	w.p("VZEROUPPER")
	w.p("RET")
}

// zero is the number of the register that holds zeros; the one below is free for
// constants.
func (s x86) zero(l loop) int { return 15 - len(strings.Fields(l.scalars)) }

// step writes a step for vector u of the round, in registers of a width.
func (s x86) step(w *writer, l loop, st step, width string, u, bytes int) {
	scratch := fmt.Sprintf("%s%d", width, s.zero(l)-1)
	own := func(name string) string {
		i := l.register(name)
		if i < 0 {
			return ""
		}
		n := u + l.unroll*i
		if n >= s.zero(l)-1 {
			panic(l.name + " has too few registers")
		}
		return fmt.Sprintf("%s%d", width, n)
	}
	mask := own("M")
	if s.wide() {
		mask = fmt.Sprintf("K%d", 1+u)
	}
	// register puts an operand into a register; value may leave it in memory, and
	// then says how the instruction's name ends.
	constantAt := func(name string) string {
		if s.wide() {
			return fmt.Sprintf("constants<>+%d(SB)", 4*constant(name))
		}
		return fmt.Sprintf("constants<>+%d(SB)", 32*constant(name))
	}
	register := func(name string) string {
		if r := own(name); r != "" {
			return r
		}
		if name == "zero" {
			return fmt.Sprintf("%s%d", width, s.zero(l))
		}
		if i := index(l.scalars, name); i >= 0 {
			return fmt.Sprintf("%s%d", width, 15-i)
		}
		if constant(name) < 0 {
			panic(l.name + " has no " + name)
		}
		if s.wide() {
			w.p("VBROADCASTSS %s, %s", constantAt(name), scratch)
		} else {
			w.p("VMOVUPS %s, %s", constantAt(name), scratch)
		}
		return scratch
	}
	value := func(name string) (suffix, operand string) {
		if constant(name) < 0 {
			return "", register(name)
		}
		if s.wide() {
			return ".BCST", constantAt(name)
		}
		return "", constantAt(name)
	}
	memory := func(name string) string {
		at := "(" + pointers[index(l.pointers, name)] + ")(R8*1)"
		if u > 0 {
			at = fmt.Sprint(bytes*u) + at
		}
		return at
	}
	d, o := own(st.result), st.operands
	binary := func(name string) {
		a := register(o[0])
		suffix, b := value(o[1])
		w.p("%s%s %s, %s, %s", name, suffix, b, a, d)
	}
	switch st.operation {
	case "load":
		w.p("VMOVUPS %s, %s", memory(o[0]), d)
	case "store":
		w.p("VMOVUPS %s, %s", own(o[1]), memory(o[0]))
	case "add", "sub", "mul", "div", "min", "max", "and", "or":
		binary("V" + strings.ToUpper(st.operation) + "PS")
	case "iadd":
		binary("VPADDD")
	case "isub":
		binary("VPSUBD")
	case "relu":
		w.p("VMAXPS %s, %s%d, %s", register(o[0]), width, s.zero(l), d)
	case "abs":
		suffix, m := value("{magnitude}")
		w.p("VANDPS%s %s, %s, %s", suffix, m, register(o[0]), d)
	case "sqrt":
		w.p("VSQRTPS %s, %s", register(o[0]), d)
	case "round":
		if s.wide() {
			w.p("VRNDSCALEPS $0, %s, %s", register(o[0]), d)
		} else {
			w.p("VROUNDPS $0, %s, %s", register(o[0]), d)
		}
	case "toint":
		w.p("VCVTPS2DQ %s, %s", register(o[0]), d)
	case "half":
		w.p("VPSRAD $1, %s, %s", register(o[0]), d)
	case "exponent":
		w.p("VPSLLD $23, %s, %s", register(o[0]), d)
	case "gt":
		a := register(o[0])
		w.p("VCMPPS $0x1e, %s, %s, %s", register(o[1]), a, mask)
	case "beats":
		a, b := register(o[0]), register(o[1])
		w.p("VCMPPS $0x16, %s, %s, %s", b, a, mask)
		if s.wide() {
			w.p("VCMPPS $0x07, %s, %s, %s, %s", b, b, mask, mask)
		} else {
			w.p("VCMPPS $0x07, %s, %s, %s", b, b, scratch)
			w.p("VANDPS %s, %s, %s", scratch, mask, mask)
		}
	case "keep":
		if s.wide() {
			w.p("VMOVAPS.Z %s, %s, %s", register(o[1]), mask, d)
		} else {
			w.p("VANDPS %s, %s, %s", register(o[1]), mask, d)
		}
	case "sel":
		a, b := register(o[1]), register(o[2])
		if s.wide() {
			w.p("VBLENDMPS %s, %s, %s, %s", a, b, mask, d)
		} else {
			w.p("VBLENDVPS %s, %s, %s, %s", mask, a, b, d)
		}
	default:
		panic("no operation " + st.operation)
	}
}
