// SPDX-License-Identifier: Apache-2.0

//go:build ignore

// NEON's instructions that Go's assembler does not know, written as their words,
// after the Arm Architecture Reference Manual for A-profile, C7.
package main

// Instructions on vectors of four elements of 32 bits, without their registers.
const (
	fadd   = 0x4e20d400
	fsub   = 0x4ea0d400
	fmul   = 0x6e20dc00
	fdiv   = 0x6e20fc00
	fmla   = 0x4e20cc00
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
	faddp  = 0x6e20d400 // of neighbours
	faddps = 0x7e30d800 // of the first two elements
	// On vectors of two elements of 64 bits.
	fadd2  = 0x4e60d400
	fmul2  = 0x6e60dc00
	fcvtl  = 0x0e617800
	fcvtl2 = 0x4e617800
	faddp2 = 0x7e70d800 // of one vector's two elements
)

var mnemonics = map[int]string{
	fadd: "FADD", fsub: "FSUB", fmul: "FMUL", fdiv: "FDIV", fmla: "FMLA", fsqrt: "FSQRT", fabs: "FABS",
	fcmgt: "FCMGT", fcmge: "FCMGE", fcmeq: "FCMEQ", fcmlt0: "FCMLT #0", frintn: "FRINTN", fcvtns: "FCVTNS", and: "AND", bic: "BIC",
	orr: "ORR", bsl: "BSL", add: "ADD", sub: "SUB", shl23: "SHL #23", sshr1: "SSHR #1", fadd2: "FADD.2D", fmul2: "FMUL.2D",
	fcvtl: "FCVTL", fcvtl2: "FCVTL2", faddp2: "FADDP.2D", faddp: "FADDP", faddps: "FADDP.S",
}

// three writes an instruction with a result and two operands.
func (w *writer) three(op, d, n, m int) {
	w.p("WORD $0x%08x // %s V%d, V%d, V%d", op|m<<16|n<<5|d, mnemonics[op], d, n, m)
}

// two writes an instruction with a result and one operand.
func (w *writer) two(op, d, n int) {
	w.p("WORD $0x%08x // %s V%d, V%d", op|n<<5|d, mnemonics[op], d, n)
}
