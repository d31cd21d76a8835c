// SPDX-License-Identifier: Apache-2.0

//go:build ignore

// This program writes tile_avx512_amd64.s, one micro-kernel for each height and
// width of a tile, pack_avx512_amd64.s, the packing of panels, and the same for
// bfloat16: tile_bf16_amd64.s and pack_bf16_amd64.s.
package main

import (
	"fmt"
)

// tallest is the largest number of rows of a tile that is so many vectors wide.
var tallest = []int{12, 12, 8, 6}

func main() {
	var w writer
	for _, kind := range []string{"avx512", "bf16"} {
		for i, rows := range tallest {
			for r := 1; r <= rows; r++ {
				w.tile(kind, r, i+1)
			}
		}
		w.save("gen_avx512.go", "tile_"+kind+"_amd64.s")
		w.declare(kind)
		w.saveGo("gen_avx512.go", "tile_"+kind+"_amd64.go")
	}
	for vectors := 2; vectors <= len(tallest); vectors++ {
		w.copyRows(vectors)
	}
	w.transpose()
	w.save("gen_avx512.go", "pack_avx512_amd64.s")
	w.roundRows()
	w.roundPairs()
	w.save("gen_avx512.go", "pack_bf16_amd64.s")
}

// arguments of a tile.
const arguments = "k int, a *float32, ars, acs int, b *float32, bs int, c *float32, ldc int, alpha, beta float32, mask uint64"

// declare writes the declarations of the tiles and the table of them.
func (w *writer) declare(kind string) {
	fmt.Fprintf(w, "// %sTiles are the tiles by width in vectors and by height, both less one.\n", kind)
	fmt.Fprintf(w, "var %sTiles = [][]func(%s){\n", kind, arguments)
	for i, rows := range tallest {
		fmt.Fprint(w, "\t{")
		for r := range rows {
			if r > 0 {
				fmt.Fprint(w, ", ")
			}
			fmt.Fprintf(w, "%sTile%dx%d", kind, r+1, 16*(i+1))
		}
		fmt.Fprint(w, "},\n")
	}
	fmt.Fprint(w, "}\n")
	for i, rows := range tallest {
		for r := range rows {
			fmt.Fprintf(w, "\n//go:noescape\nfunc %sTile%dx%d(%s)\n", kind, r+1, 16*(i+1), arguments)
		}
	}
}

// tile writes a tile of rows by 16*vectors, of whose last vector the columns in
// the mask exist. The first registers hold a row of B, the last the sums, row
// after row; A comes from memory, one element for all lanes. An element of the kind
// bf16 is a pair of numbers, whose two products are added.
func (w *writer) tile(kind string, rows, vectors int) {
	sum := func(row, v int) string { return fmt.Sprintf("Z%d", 32-rows*vectors+vectors*row+v) }
	// Rows are groups of three, each reached from its own base.
	base := []string{"AX", "BX", "SI", "R12"}[:(rows+2)/3]
	multiply := func(row, v int) {
		b := base[row/3]
		if kind == "bf16" {
			w.pairs(b, row%3, v, 32-rows*vectors+vectors*row+v)
			return
		}
		w.p("VFMADD231PS.BCST (%s)%s, Z%d, %s", b, [3]string{"", "(R8*1)", "(R8*2)"}[row%3], v, sum(row, v))
	}
	each := func(f func(row, v int)) {
		for r := range rows {
			for v := range vectors {
				f(r, v)
			}
		}
	}
	c := func(v int) string { return offset(64*v, "(DI)") }

	name := fmt.Sprintf("%sTile%dx%d", kind, rows, 16*vectors)
	fmt.Fprintf(w, "\n// func %s(%s)\n", name, arguments)
	fmt.Fprintf(w, "TEXT ·%s(SB), NOSPLIT, $0-80\n", name)
	w.load("k", "CX", "a", "AX", "ars", "R8", "acs", "R9", "b", "DX", "bs", "R10", "c", "DI", "ldc", "R11")
	for _, r := range []string{"R8", "R9", "R10", "R11"} {
		w.p("SHLQ $2, %s", r)
	}
	if len(base) > 1 {
		w.p("LEAQ (R8)(R8*2), R13")
		for g := 1; g < len(base); g++ {
			w.p("LEAQ (%s)(R13*1), %s", base[g-1], base[g])
		}
	}
	w.p("MOVQ mask+72(FP), R13")
	w.p("KMOVW R13, K1")
	w.p("MOVQ DI, R13")
	for r := range rows {
		for v := range vectors {
			w.p("PREFETCHT0 %s", offset(64*v, "(R13)"))
		}
		if r < rows-1 {
			w.p("ADDQ R11, R13")
		}
	}
	each(func(r, v int) { w.p("VPXORD %s, %s, %s", sum(r, v), sum(r, v), sum(r, v)) })
	w.label("step")
	for v := range vectors {
		w.p("VMOVUPS %s, Z%d", offset(64*v, "(DX)"), v)
	}
	w.p("ADDQ R10, DX")
	each(multiply)
	for _, b := range base {
		w.p("ADDQ R9, %s", b)
	}
	w.p("DECQ CX")
	w.p("JNZ step")

	fmt.Fprintln(w)
	w.p("VMOVSS alpha+64(FP), X0")
	w.p("MOVL $0x3f800000, AX")
	w.p("CMPL AX, alpha+64(FP)")
	w.p("JEQ scaled")
	w.p("VBROADCASTSS X0, Z0")
	each(func(r, v int) { w.p("VMULPS Z0, %s, %s", sum(r, v), sum(r, v)) })
	w.label("scaled")
	w.p("VBROADCASTSS beta+68(FP), Z0")
	w.p("VXORPS X1, X1, X1")
	w.p("VUCOMISS X1, X0")
	w.p("JNE add")
	w.p("JPS add")
	store := func(v int, s string) {
		if v == vectors-1 {
			w.p("VMOVUPS %s, K1, %s", s, c(v))
		} else {
			w.p("VMOVUPS %s, %s", s, c(v))
		}
	}
	next := func(r int) {
		if r < rows-1 {
			w.p("ADDQ R11, DI")
		}
	}
	for r := range rows {
		for v := range vectors {
			store(v, sum(r, v))
		}
		next(r)
	}
	w.p("VZEROUPPER")
	w.p("RET")
	w.label("add")
	for r := range rows {
		for v := range vectors {
			if v == vectors-1 {
				w.p("VFMADD231PS %s, Z0, K1, %s", c(v), sum(r, v))
			} else {
				w.p("VFMADD231PS %s, Z0, %s", c(v), sum(r, v))
			}
			store(v, sum(r, v))
		}
		next(r)
	}
	w.p("VZEROUPPER")
	w.p("RET")
}

// offset is an address so many bytes behind another.
func offset(bytes int, address string) string {
	if bytes == 0 {
		return address
	}
	return fmt.Sprint(bytes) + address
}

// copyRows writes the copying of rows of 16*vectors columns to rows without gaps.
func (w *writer) copyRows(vectors int) {
	name := fmt.Sprintf("avx512Copy%d", 16*vectors)
	fmt.Fprintf(w, "\n// func %s(rows int, dst, src *float32, ld int)\n", name)
	fmt.Fprintf(w, "TEXT ·%s(SB), NOSPLIT, $0-32\n", name)
	w.load("rows", "CX", "dst", "DI", "src", "SI", "ld", "R9")
	w.p("SHLQ $2, R9")
	w.label("row")
	for v := range vectors {
		w.p("VMOVUPS %s, Z%d", offset(64*v, "(SI)"), v)
	}
	w.p("ADDQ R9, SI")
	for v := range vectors {
		w.p("VMOVUPS Z%d, %s", v, offset(64*v, "(DI)"))
	}
	w.p("ADDQ $%d, DI", 64*vectors)
	w.p("DECQ CX")
	w.p("JNZ row")
	w.p("VZEROUPPER")
	w.p("RET")
}

// transpose writes the transposition of sixteen rows, sixteen elements a step.
func (w *writer) transpose() {
	fmt.Fprint(w, "\n// func avx512Transpose16(steps int, dst *float32, ds int, src *float32, ld int)\n")
	fmt.Fprint(w, "TEXT ·avx512Transpose16(SB), NOSPLIT, $0-40\n")
	w.load("steps", "CX", "dst", "DI", "ds", "R8", "src", "AX", "ld", "R9")
	w.p("SHLQ $2, R8")
	w.p("SHLQ $2, R9")
	w.p("LEAQ (R9)(R9*2), R10")
	w.p("LEAQ (R8)(R8*2), R11")
	w.p("LEAQ (AX)(R9*4), BX")
	w.p("LEAQ (BX)(R9*4), DX")
	w.p("LEAQ (DX)(R9*4), SI")
	w.label("step")
	for r := range 16 {
		w.p("VMOVUPS (%s)%s, Z%d", []string{"AX", "BX", "DX", "SI"}[r/4], []string{"", "(R9*1)", "(R9*2)", "(R10*1)"}[r%4], r)
	}
	// Within each quarter: element c of four rows side by side in register 4g+c.
	for g := range 4 {
		a := 4 * g
		w.p("VUNPCKLPS Z%d, Z%d, Z%d", a+1, a, 16+a)
		w.p("VUNPCKHPS Z%d, Z%d, Z%d", a+1, a, 17+a)
		w.p("VUNPCKLPS Z%d, Z%d, Z%d", a+3, a+2, 18+a)
		w.p("VUNPCKHPS Z%d, Z%d, Z%d", a+3, a+2, 19+a)
		w.p("VUNPCKLPD Z%d, Z%d, Z%d", 18+a, 16+a, a)
		w.p("VUNPCKHPD Z%d, Z%d, Z%d", 18+a, 16+a, a+1)
		w.p("VUNPCKLPD Z%d, Z%d, Z%d", 19+a, 17+a, a+2)
		w.p("VUNPCKHPD Z%d, Z%d, Z%d", 19+a, 17+a, a+3)
	}
	// Quarter q of registers c, 4+c, 8+c and 12+c is column 4q+c.
	for c := range 4 {
		w.p("VSHUFF32X4 $0x88, Z%d, Z%d, Z%d", 4+c, c, 16+c) // quarters 0, 2 of both
		w.p("VSHUFF32X4 $0xdd, Z%d, Z%d, Z%d", 4+c, c, 20+c) // quarters 1, 3 of both
		w.p("VSHUFF32X4 $0x88, Z%d, Z%d, Z%d", 12+c, 8+c, 24+c)
		w.p("VSHUFF32X4 $0xdd, Z%d, Z%d, Z%d", 12+c, 8+c, 28+c)
		w.p("VSHUFF32X4 $0x88, Z%d, Z%d, Z%d", 24+c, 16+c, c)    // column c
		w.p("VSHUFF32X4 $0xdd, Z%d, Z%d, Z%d", 24+c, 16+c, 8+c)  // column 8+c
		w.p("VSHUFF32X4 $0x88, Z%d, Z%d, Z%d", 28+c, 20+c, 4+c)  // column 4+c
		w.p("VSHUFF32X4 $0xdd, Z%d, Z%d, Z%d", 28+c, 20+c, 12+c) // column 12+c
	}
	for c := range 16 {
		w.p("VMOVUPS Z%d, (DI)%s", c, []string{"", "(R8*1)", "(R8*2)", "(R11*1)"}[c%4])
		if c%4 == 3 {
			w.p("LEAQ (DI)(R8*4), DI")
		}
	}
	for _, r := range []string{"AX", "BX", "DX", "SI"} {
		w.p("ADDQ $64, %s", r)
	}
	w.p("DECQ CX")
	w.p("JNZ step")
	w.p("VZEROUPPER")
	w.p("RET")
}

// evex writes an instruction of 512 bits and the map 0F38 that the assembler does
// not know: reg and v are vectors, and so is rm unless memory says otherwise.
func (w *writer) evex(prefix, opcode, reg, v, rm int, memory ...int) {
	bit := func(n, i int) int { return ^n >> i & 1 }
	p := [6]int{0x62, bit(reg, 3)<<7 | bit(rm, 4)<<6 | bit(rm, 3)<<5 | bit(reg, 4)<<4 | 2, ^v&15<<3 | 4 | prefix, 0x40 | bit(v, 4)<<3, opcode, 0xc0 | reg&7<<3 | rm&7}
	code := p[:]
	if len(memory) == 3 { // base, index and the logarithm of its scale; one element for all lanes
		base, index, scale := memory[0], memory[1], memory[2]
		p[1] = bit(reg, 3)<<7 | bit(index, 3)<<6 | bit(base, 3)<<5 | bit(reg, 4)<<4 | 2
		p[3] |= 0x10
		p[5] = reg&7<<3 | 4
		code = append(code, scale<<6|index&7<<3|base&7)
	}
	text := ""
	for _, b := range code {
		text += fmt.Sprintf("BYTE $%#02x; ", b)
	}
	w.p("%s", text[:len(text)-2])
}

// pairs writes VDPBF16PS of vector v and the pair of numbers in row 0 to 2 of those
// that a base reaches, for all lanes, to a sum.
func (w *writer) pairs(base string, row, v, sum int) {
	const r8, none = 8, 4
	index, scale := r8, row-1
	if row == 0 {
		index, scale = none, 0
	}
	w.evex(2, 0x52, sum, v, 0, map[string]int{"AX": 0, "BX": 3, "SI": 6, "R12": 12}[base], index, scale)
}

// round writes VCVTNE2PS2BF16: the numbers of vector low, rounded, and behind them
// those of vector high.
func (w *writer) round(low, high, to int) { w.evex(3, 0x72, to, high, low) }

// roundRows writes the rounding of rows to bfloat16.
func (w *writer) roundRows() {
	fmt.Fprint(w, "\n// func bf16RoundRows(rows, steps int, dst *float32, ds int, src *float32, ld int, mask uint64)\n")
	fmt.Fprint(w, "TEXT ·bf16RoundRows(SB), NOSPLIT, $0-56\n")
	w.load("rows", "CX", "steps", "DX", "dst", "DI", "ds", "R8", "src", "SI", "ld", "R9")
	w.p("MOVQ mask+48(FP), R10")
	w.p("KMOVW R10, K1")
	w.p("SHRQ $16, R10")
	w.p("KMOVW R10, K2")
	w.p("SHLQ $2, R8")
	w.p("SHLQ $2, R9")
	w.label("row")
	w.p("MOVQ DX, BX")
	w.p("MOVQ SI, R11")
	w.p("MOVQ DI, R12")
	w.p("DECQ BX")
	w.p("JZ tail")
	w.label("step")
	w.p("VMOVUPS (R11), Z0")
	w.p("VMOVUPS 64(R11), Z1")
	w.round(0, 1, 2)
	w.p("VMOVUPS Z2, (R12)")
	w.p("ADDQ $128, R11")
	w.p("ADDQ $64, R12")
	w.p("DECQ BX")
	w.p("JNZ step")
	w.label("tail")
	w.p("VMOVUPS.Z (R11), K1, Z0")
	w.p("VMOVUPS.Z 64(R11), K2, Z1")
	w.round(0, 1, 2)
	w.p("VMOVUPS Z2, (R12)")
	w.p("ADDQ R9, SI")
	w.p("ADDQ R8, DI")
	w.p("DECQ CX")
	w.p("JNZ row")
	w.p("VZEROUPPER")
	w.p("RET")
}

// roundPairs writes the rounding of two rows to pairs of bfloat16.
func (w *writer) roundPairs() {
	fmt.Fprint(w, "\n// func bf16RoundPairs(pairs, vectors int, dst *float32, ds int, upper, lower *float32, ld int, mask uint64, order *uint16)\n")
	fmt.Fprint(w, "TEXT ·bf16RoundPairs(SB), NOSPLIT, $0-72\n")
	w.load("pairs", "CX", "vectors", "DX", "dst", "DI", "ds", "R8", "upper", "SI", "lower", "AX", "ld", "R9")
	w.p("MOVQ mask+56(FP), R10")
	w.p("KMOVW R10, K1")
	w.p("MOVQ order+64(FP), R10")
	w.p("VMOVDQU16 (R10), Z3")
	w.p("SHLQ $2, R8")
	w.p("SHLQ $3, R9")
	w.label("pair")
	w.p("MOVQ DX, BX")
	w.p("XORQ R11, R11")
	w.p("DECQ BX")
	w.p("JZ tail")
	w.label("step")
	w.p("VMOVUPS (SI)(R11*1), Z0")
	w.p("VMOVUPS (AX)(R11*1), Z1")
	w.round(0, 1, 2)
	w.p("VPERMW Z2, Z3, Z2")
	w.p("VMOVUPS Z2, (DI)(R11*1)")
	w.p("ADDQ $64, R11")
	w.p("DECQ BX")
	w.p("JNZ step")
	w.label("tail")
	w.p("VMOVUPS.Z (SI)(R11*1), K1, Z0")
	w.p("VMOVUPS.Z (AX)(R11*1), K1, Z1")
	w.round(0, 1, 2)
	w.p("VPERMW Z2, Z3, Z2")
	w.p("VMOVUPS Z2, (DI)(R11*1)")
	w.p("ADDQ R9, SI")
	w.p("ADDQ R9, AX")
	w.p("ADDQ R8, DI")
	w.p("DECQ CX")
	w.p("JNZ pair")
	w.p("VZEROUPPER")
	w.p("RET")
}
