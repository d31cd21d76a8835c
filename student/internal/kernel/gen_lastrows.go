// SPDX-License-Identifier: Apache-2.0

//go:build ignore

// This program writes lastrows_avx512_amd64.s and lastrows_avx2_amd64.s, the loops
// over rows whose columns have coefficients or sums of their own.
package main

import "fmt"

func main() {
	for _, isa := range isas {
		var w last
		w.isa = isa
		w.sumRows()
		w.moments()
		w.affine("Affine", false)
		w.affine("AffineResidual", true)
		for _, mask := range []string{"", "In", "Out"} {
			w.gradSums(mask)
			w.gradData(mask)
		}
		w.save("gen_lastrows.go", "lastrows_"+isa.prefix+"_amd64.s")
	}
}

// The fields of rowsCall.
const (
	rowY, rowX, rowD, rowOut        = 0, 8, 16, 24
	rowA, rowB, rowP, rowQ, rowS    = 32, 40, 48, 56, 64
	rowRows, rowCols, rowLo, rowAdd = 72, 80, 88, 96
)

// Where the fields are. A pointer into the rows moves with the column, one to
// coefficients stands.
var rowRegisters = []struct {
	field    int
	register string
}{{rowY, "DI"}, {rowX, "SI"}, {rowD, "DX"}, {rowOut, "R9"}, {rowA, "R10"}, {rowB, "R11"}, {rowP, "R12"}, {rowQ, "R13"}, {rowS, "R15"}}

// The vector registers that hold the bounds.
const lo, hi = 13, 14

// rows writes a function that runs body over all columns of four rows at a time, or
// of one where together is 1, and then over those left. R8 counts bytes of a row's
// columns, R14 is the bytes of a row; moving are the registers of rows.
func (w *last) rows(name string, together int, moving []string, body func(rows int)) {
	w.enter(name, 8)
	for _, r := range rowRegisters {
		w.p("MOVQ %d(AX), %s", r.field, r.register)
	}
	w.p("VBROADCASTSS %d(AX), %s", rowLo, w.v(lo))
	w.p("VBROADCASTSS %d(AX), %s", rowLo+4, w.v(hi))
	w.p("MOVQ %d(AX), R14", rowCols)
	w.p("MOVQ R14, CX")
	w.p("ANDQ $%d, CX", w.width-1)
	w.p("MOVQ CX, 0(SP)")
	w.mask()
	w.p("SHLQ $2, R14")
	w.p("MOVQ %d(AX), BX", rowRows)
	for _, n := range []int{together, 1} {
		at := map[bool]string{true: "s", false: ""}[n > 1]
		w.label("rows" + at)
		w.p("CMPQ BX, $%d", n)
		w.p("JLT end%s", at)
		w.p("MOVQ %d(AX), CX", rowCols)
		w.p("SHRQ $%d, CX", map[int]int{16: 4, 8: 3}[w.width])
		w.p("XORQ R8, R8")
		w.p("TESTQ CX, CX")
		w.p("JZ tail%s", at)
		w.label("vector" + at)
		w.masked = false
		step := func() {
			body(n)
			for _, m := range moving {
				w.p("ADDQ $%d, %s", w.bytes(), m)
			}
			w.p("ADDQ $%d, R8", w.bytes())
		}
		step()
		w.p("DECQ CX")
		w.p("JNZ vector%s", at)
		w.label("tail" + at)
		w.p("MOVQ 0(SP), CX")
		w.p("TESTQ CX, CX")
		w.p("JZ next%s", at)
		w.masked = true
		body(n)
		w.masked = false
		for _, m := range moving {
			w.p("LEAQ (%s)(CX*4), %s", m, m)
		}
		w.label("next" + at)
		if n > 1 {
			w.p("IMUL3Q $%d, R14, CX", n-1)
			for _, m := range moving {
				w.p("ADDQ CX, %s", m)
			}
		}
		w.p("SUBQ $%d, BX", n)
		w.p("JMP rows%s", at)
		w.label("end" + at)
		if together == 1 {
			break
		}
	}
	w.p("VZEROUPPER")
	w.p("RET")
}

// sumRows writes the sums of SumRows.
func (w *last) sumRows() {
	w.rows("SumRows", 4, []string{"SI"}, func(rows int) {
		w.get("(R13)(R8*1)", 0)
		w.each(rows, "DI", func(r string) {
			w.plus("(SI)"+r, 0, 5)
		})
		w.put(0, "(R13)(R8*1)")
	})
}

// each calls visit for every row taken together with the index that reaches it. DI,
// which sums have no other use for, is three rows.
func (w *last) each(rows int, third string, visit func(index string)) {
	for r := 0; r < rows; r++ {
		if r == 3 {
			w.p("LEAQ (R14)(R14*2), %s", third)
		}
		visit([]string{"", "(R14*1)", "(R14*2)", "(" + third + "*1)"}[r])
	}
}

// moments writes the sums of Moments.
func (w *last) moments() {
	w.rows("Moments", 4, []string{"SI"}, func(rows int) {
		w.get("(R12)(R8*1)", 2)
		w.get("(R13)(R8*1)", 0)
		w.get("(R15)(R8*1)", 1)
		w.each(rows, "DI", func(r string) {
			w.get("(SI)"+r, 5)
			w.p("VSUBPS %s, %s, %s", w.v(2), w.v(5), w.v(5))
			w.p("VADDPS %s, %s, %s", w.v(5), w.v(0), w.v(0))
			w.p("VFMADD231PS %s, %s, %s", w.v(5), w.v(5), w.v(1))
		})
		w.put(0, "(R13)(R8*1)")
		w.put(1, "(R15)(R8*1)")
	})
}

// affine writes the loop of Affine.
func (w *last) affine(name string, residual bool) {
	moving := []string{"DI", "SI"}
	if residual {
		moving = append(moving, "DX")
	}
	w.rows(name, 4, moving, func(rows int) {
		w.get("(R10)(R8*1)", 3)
		w.get("(R11)(R8*1)", 4)
		w.each(rows, "R12", func(r string) {
			w.p("VMOVAPS %s, %s", w.v(4), w.v(6))
			w.fma("(SI)"+r, 3, 6, 5)
			if residual {
				w.plus("(DX)"+r, 6, 5)
			}
			w.p("VMAXPS %s, %s, %s", w.v(6), w.v(lo), w.v(6))
			w.p("VMINPS %s, %s, %s", w.v(6), w.v(hi), w.v(6))
			w.put(6, "(DI)"+r)
		})
	})
}

// passed makes register 7 the gradient, which is that of d at index where the activation passes it.
// Register 5 is x, 3 and 4 the coefficients.
func (w *last) passed(mask, index string) {
	w.get("(SI)"+index, 5)
	switch mask {
	case "":
		w.get("(DX)"+index, 7)
		return
	case "In":
		w.p("VMOVAPS %s, %s", w.v(4), w.v(6))
		w.p("VFMADD231PS %s, %s, %s", w.v(5), w.v(3), w.v(6))
	case "Out":
		w.get("(R9)"+index, 6)
	}
	w.get("(DX)"+index, 8)
	w.keep(6, lo, hi, 8, 7, 9, 10)
}

// coefficients loads what passed needs.
func (w *last) coefficients(mask string) {
	if mask == "In" {
		w.get("(R10)(R8*1)", 3)
		w.get("(R11)(R8*1)", 4)
	}
}

// moves are the registers that move in a loop over gradients.
func moves(mask string, more ...string) []string {
	m := append([]string{"SI", "DX"}, more...)
	if mask == "Out" {
		m = append(m, "R9")
	}
	return m
}

// gradSums writes the sums of GradSums.
func (w *last) gradSums(mask string) {
	w.rows("GradSums"+mask, 4, moves(mask), func(rows int) {
		w.get("(R12)(R8*1)", 2)
		w.get("(R13)(R8*1)", 0)
		w.get("(R15)(R8*1)", 1)
		w.coefficients(mask)
		w.each(rows, "DI", func(r string) {
			w.passed(mask, r)
			w.p("VSUBPS %s, %s, %s", w.v(2), w.v(5), w.v(5))
			w.p("VADDPS %s, %s, %s", w.v(7), w.v(0), w.v(0))
			w.p("VFMADD231PS %s, %s, %s", w.v(5), w.v(7), w.v(1))
		})
		w.put(0, "(R13)(R8*1)")
		w.put(1, "(R15)(R8*1)")
	})
}

// gradData writes the loop of GradData.
func (w *last) gradData(mask string) {
	w.rows("GradData"+mask, gradRows, moves(mask, "DI"), func(rows int) {
		w.coefficients(mask)
		w.get("(R15)(R8*1)", 0)
		w.get("(R13)(R8*1)", 1)
		w.get("(R12)(R8*1)", 2)
		w.each(rows, "", func(r string) {
			w.passed(mask, r)
			w.p("VMOVAPS %s, %s", w.v(0), w.v(11))
			w.p("VFMADD231PS %s, %s, %s", w.v(5), w.v(1), w.v(11))
			w.p("VFMADD231PS %s, %s, %s", w.v(7), w.v(2), w.v(11))
			w.labels++
			label := fmt.Sprintf("set%d", w.labels)
			w.p("CMPQ %d(AX), $0", rowAdd)
			w.p("JE %s", label)
			w.plus("(DI)"+r, 11, 12)
			w.label(label)
			w.put(11, "(DI)"+r)
		})
	})
}

// gradRows is how many rows GradData takes together.
const gradRows = 3
