// SPDX-License-Identifier: Apache-2.0

//go:build ignore

// What gen_last.go and gen_lastrows.go write assembly with, for vectors of AVX-512
// and of AVX2.
package main

import (
	"fmt"
	"strings"
)

// isas are the sets of instructions that all is written for.
var isas = []isa{{"avx512", "Z", 16}, {"avx2", "Y", 8}}

// isa is a set of instructions, its letter for registers and the elements of one.
type isa struct {
	prefix, letter string
	width          int
}

// last writes functions of one argument, the address of a struct that AX holds
// throughout.
type last struct {
	writer
	isa
	masked bool // what is written is for the channels beyond the last full vector
	labels int  // made up so far
}

func (w *last) enter(name string, locals int) {
	fmt.Fprintf(w, "\n// func %s%s(c *%s)\n", w.prefix, name, callType(name))
	fmt.Fprintf(w, "TEXT ·%s%s(SB), NOSPLIT, $%d-8\n", w.prefix, name, locals)
	w.p("MOVQ c+0(FP), AX")
}

// callType is the struct that a function takes.
func callType(name string) string {
	switch {
	case strings.HasPrefix(name, "Taps"):
		return "tapsCall"
	case strings.HasPrefix(name, "Max"):
		return "maxCall"
	}
	return "rowsCall"
}

// v is vector register i.
func (w *last) v(i int) string { return fmt.Sprintf("%s%d", w.letter, i) }

// bytes is the size of a vector.
func (w *last) bytes() int { return 4 * w.width }

func (w *last) zero(i int) {
	if w.width == 16 {
		w.p("VPXORD %s, %s, %s", w.v(i), w.v(i), w.v(i))
		return
	}
	w.p("VXORPS %s, %s, %s", w.v(i), w.v(i), w.v(i))
}

func (w *last) get(address string, i int) {
	switch {
	case !w.masked:
		w.p("VMOVUPS %s, %s", address, w.v(i))
	case w.width == 16:
		w.p("VMOVUPS.Z %s, K1, %s", address, w.v(i))
	default:
		w.p("VMASKMOVPS %s, Y15, %s", address, w.v(i))
	}
}

func (w *last) put(i int, address string) {
	switch {
	case !w.masked:
		w.p("VMOVUPS %s, %s", w.v(i), address)
	case w.width == 16:
		w.p("VMOVUPS %s, K1, %s", w.v(i), address)
	default:
		w.p("VMASKMOVPS %s, Y15, %s", w.v(i), address)
	}
}

// fma adds the product of memory and register b to register c; t is free.
func (w *last) fma(address string, b, c, t int) {
	switch {
	case !w.masked:
		w.p("VFMADD231PS %s, %s, %s", address, w.v(b), w.v(c))
	case w.width == 16:
		w.p("VFMADD231PS %s, %s, K1, %s", address, w.v(b), w.v(c))
	default:
		w.get(address, t)
		w.p("VFMADD231PS %s, %s, %s", w.v(t), w.v(b), w.v(c))
	}
}

// plus adds memory to register c; t is free.
func (w *last) plus(address string, c, t int) {
	switch {
	case !w.masked:
		w.p("VADDPS %s, %s, %s", address, w.v(c), w.v(c))
	case w.width == 16:
		w.p("VADDPS %s, %s, K1, %s", address, w.v(c), w.v(c))
	default:
		w.get(address, t)
		w.p("VADDPS %s, %s, %s", w.v(t), w.v(c), w.v(c))
	}
}

// keep sets register g to register d where lo < z < hi and else to zero. T and u are
// free.
func (w *last) keep(z, lo, hi, d, g, t, u int) {
	if w.width == 16 {
		w.p("VCMPPS $0x1e, %s, %s, K2", w.v(lo), w.v(z))
		w.p("VCMPPS $0x11, %s, %s, K2, K2", w.v(hi), w.v(z))
		w.p("VMOVAPS.Z %s, K2, %s", w.v(d), w.v(g))
		return
	}
	w.p("VCMPPS $0x1e, %s, %s, %s", w.v(lo), w.v(z), w.v(t))
	w.p("VCMPPS $0x11, %s, %s, %s", w.v(hi), w.v(z), w.v(u))
	w.p("VANDPS %s, %s, %s", w.v(t), w.v(u), w.v(t))
	w.p("VANDPS %s, %s, %s", w.v(d), w.v(t), w.v(g))
}

// mask makes the mask of the channels that CX counts, fewer than a vector holds.
func (w *last) mask() {
	if w.width == 16 {
		w.p("MOVQ $1, BX")
		w.p("SHLQ CX, BX")
		w.p("DECQ BX")
		w.p("KMOVW BX, K1")
		return
	}
	w.p("LEAQ lastMask<>+32(SB), BX")
	w.p("SHLQ $2, CX")
	w.p("SUBQ CX, BX")
	w.p("VMOVUPS (BX), Y15")
}

// maskTable is what mask reads.
func (w *last) maskTable() {
	if w.width == 16 {
		return
	}
	fmt.Fprintln(w)
	for i := 0; i < 32; i += 8 {
		w.Buffer.WriteString(fmt.Sprintf("DATA lastMask<>+%d(SB)/8, $0xffffffffffffffff\n", i))
	}
	for i := 32; i < 64; i += 8 {
		w.Buffer.WriteString(fmt.Sprintf("DATA lastMask<>+%d(SB)/8, $0\n", i))
	}
	fmt.Fprintln(w, "GLOBL lastMask<>(SB), RODATA|NOPTR, $64")
}

func (w *last) save(generator, name string) {
	w.maskTable()
	w.writer.save(generator, name)
}

// address is base + p*step for p from 0 to 7, where four is base + 4*step and three
// 3*step.
func address(p int, base, four, step, three string) string {
	if p > 3 {
		base, p = four, p-4
	}
	switch p {
	case 0:
		return "(" + base + ")"
	case 3:
		return "(" + base + ")(" + three + "*1)"
	}
	return fmt.Sprintf("(%s)(%s*%d)", base, step, p)
}

// eachVector writes body for every full vector of channels, and once more masked
// for those beyond. Local 8 counts the channels left; advance moves on by a vector.
func (w *last) eachVector(body, advance func()) {
	w.label("vector")
	w.p("CMPQ 8(SP), $%d", w.width)
	w.p("JLT tail")
	w.masked = false
	body()
	advance()
	w.p("SUBQ $%d, 8(SP)", w.width)
	w.p("JMP vector")
	w.label("tail")
	w.p("MOVQ 8(SP), CX")
	w.p("TESTQ CX, CX")
	w.p("JZ done")
	w.mask()
	w.masked = true
	body()
	w.masked = false
	w.label("done")
	w.p("VZEROUPPER")
	w.p("RET")
}
