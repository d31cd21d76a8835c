// SPDX-License-Identifier: Apache-2.0

//go:build ignore

// This program writes last_avx512_amd64.s and last_avx2_amd64.s, the loops over
// images whose channels come last: a vector is of neighbouring channels. Loads and
// stores of the channels beyond the last full vector are masked.
package main

import "fmt"

func main() {
	for _, isa := range isas {
		var w last
		w.isa = isa
		w.taps()
		for n := 1; n <= 9; n++ {
			w.tapsGrad(n)
		}
		w.maxTaps()
		w.maxTapsGrad()
		w.save("gen_last.go", "last_"+isa.prefix+"_amd64.s")
	}
}

// taps writes tapsGo: tiles of eight, four, two pixels and one. Locals: rows left,
// channels left, the vector's dst, src and bias.
func (w *last) taps() {
	const dst, src, weights, bias, off, taps, rows, cols, dstRow, dstCol, srcRow, srcCol, channels, add, ahead = 0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112
	w.enter("Taps", 40)
	w.p("MOVQ %d(AX), R10", weights)
	w.p("MOVQ %d(AX), R8", srcCol)
	w.p("LEAQ (R8)(R8*2), R9")
	w.p("MOVQ %d(AX), R15", taps)
	w.p("SHLQ $4, R15")
	w.p("ADDQ %d(AX), R15", off)
	for i, field := range []int{channels, dst, src, bias} {
		w.p("MOVQ %d(AX), BX", field)
		w.p("MOVQ BX, %d(SP)", 8+8*i)
	}
	const weight, free = 8, 9
	w.eachVector(func() {
		name := map[bool]string{false: "", true: "masked"}[w.masked]
		w.p("MOVQ 16(SP), DI")
		w.p("MOVQ 24(SP), SI")
		w.p("MOVQ %d(AX), BX", rows)
		w.p("MOVQ BX, 0(SP)")
		w.label(name + "row")
		w.p("MOVQ DI, R12")
		w.p("MOVQ SI, R13")
		w.p("MOVQ %d(AX), DX", cols)
		for pixels := 8; pixels > 0; pixels /= 2 {
			at := fmt.Sprintf("%s%d", name, pixels)
			w.label("tile" + at)
			w.p("CMPQ DX, $%d", pixels)
			w.p("JLT end%s", at)
			w.p("MOVQ 32(SP), R11")
			w.p("TESTQ R11, R11")
			w.p("JNZ bias%s", at)
			for p := 0; p < pixels; p++ {
				w.zero(p)
			}
			w.p("JMP begin%s", at)
			w.label("bias" + at)
			w.get("(R11)", 0)
			for p := 1; p < pixels; p++ {
				w.p("VMOVAPS %s, %s", w.v(0), w.v(p))
			}
			w.label("begin" + at)
			for _, field := range []int{ahead, ahead + 16} {
				w.p("MOVQ %d(AX), CX", field)
				w.p("MOVQ %d(AX), R11", field+8)
				if pixels > 2 {
					w.p("LEAQ (R11)(R11*2), R14")
				}
				if pixels > 4 {
					w.p("LEAQ (CX)(R11*4), BX")
				}
				for p := 0; p < pixels; p++ {
					w.p("PREFETCHT1 %s", address(p, "CX", "BX", "R11", "R14"))
				}
				if pixels == 1 {
					w.p("ADDQ R11, CX")
				} else {
					w.p("LEAQ (CX)(R11*%d), CX", pixels)
				}
				w.p("MOVQ CX, %d(AX)", field)
			}
			w.p("MOVQ %d(AX), R14", off)
			w.p("CMPQ R14, R15")
			w.p("JGE sum%s", at)
			w.label("tap" + at)
			w.p("MOVQ (R14), CX")
			w.p("ADDQ R13, CX")
			w.p("MOVQ 8(R14), R11")
			if pixels > 4 {
				w.p("LEAQ (CX)(R8*4), BX")
			}
			w.get("(R10)(R11*1)", weight)
			for p := 0; p < pixels; p++ {
				w.fma(address(p, "CX", "BX", "R8", "R9"), weight, p, free)
			}
			w.p("ADDQ $16, R14")
			w.p("CMPQ R14, R15")
			w.p("JLT tap%s", at)
			w.label("sum" + at)
			w.p("MOVQ %d(AX), R11", dstCol)
			if pixels > 2 {
				w.p("LEAQ (R11)(R11*2), CX")
			}
			if pixels > 4 {
				w.p("LEAQ (R12)(R11*4), BX")
			}
			w.p("CMPQ %d(AX), $0", add)
			w.p("JE store%s", at)
			for p := 0; p < pixels; p++ {
				w.plus(address(p, "R12", "BX", "R11", "CX"), p, free)
			}
			w.label("store" + at)
			for p := 0; p < pixels; p++ {
				w.put(p, address(p, "R12", "BX", "R11", "CX"))
			}
			if pixels == 1 {
				w.p("ADDQ R11, R12")
				w.p("ADDQ R8, R13")
			} else {
				w.p("LEAQ (R12)(R11*%d), R12", pixels)
				w.p("LEAQ (R13)(R8*%d), R13", pixels)
			}
			w.p("SUBQ $%d, DX", pixels)
			if pixels == 8 {
				w.p("JMP tile%s", at)
			}
			w.label("end" + at)
		}
		w.p("ADDQ %d(AX), DI", dstRow)
		w.p("ADDQ %d(AX), SI", srcRow)
		w.p("DECQ 0(SP)")
		w.p("JNZ %srow", name)
	}, func() {
		w.p("ADDQ $%d, R10", w.bytes())
		w.p("ADDQ $%d, 16(SP)", w.bytes())
		w.p("ADDQ $%d, 24(SP)", w.bytes())
		w.p("CMPQ 32(SP), $0")
		w.p("JE vector%d", 0)
		w.p("ADDQ $%d, 32(SP)", w.bytes())
		w.label("vector0")
	})
}

// tapsGrad writes tapsGradGo for a number of taps; the struct's dst is the gradient
// of the output, which is read, and its weights those of the taps, which are added
// to. Locals: rows left, channels left, the vector's dst, src and weights; dst and src
// of the row.
func (w *last) tapsGrad(taps int) {
	const dst, src, weights, off, rows, cols, dstRow, dstCol, srcRow, srcCol, channels, ahead = 0, 8, 16, 32, 48, 56, 64, 72, 80, 88, 96, 112
	view := []string{"BX", "SI", "DI", "R8", "R9", "R10", "R11", "R14", "R15"}[:taps]
	w.enter(fmt.Sprintf("TapsGrad%d", taps), 56)
	for i, field := range []int{channels, dst, src, weights} {
		w.p("MOVQ %d(AX), BX", field)
		w.p("MOVQ BX, %d(SP)", 8+8*i)
	}
	const d, free = 9, 10
	w.eachVector(func() {
		name := map[bool]string{false: "", true: "masked"}[w.masked]
		w.p("MOVQ %d(AX), CX", off)
		for i, v := range view {
			w.p("MOVQ %d(CX), %s", 16*i, v)
			w.zero(i)
		}
		w.p("MOVQ %d(AX), R12", rows)
		w.p("MOVQ R12, 0(SP)")
		w.p("MOVQ 16(SP), R12")
		w.p("MOVQ 24(SP), R13")
		w.label(name + "row")
		w.p("MOVQ R12, 40(SP)")
		w.p("MOVQ R13, 48(SP)")
		w.p("MOVQ %d(AX), DX", cols)
		w.p("MOVQ %d(AX), CX", ahead)
		w.label(name + "pixel")
		w.p("PREFETCHT1 (CX)")
		w.p("PREFETCHT1 64(CX)")
		w.p("ADDQ %d(AX), CX", ahead+8)
		w.get("(R12)", d)
		for i, v := range view {
			w.fma("(R13)("+v+"*1)", d, i, free)
		}
		w.p("ADDQ %d(AX), R12", dstCol)
		w.p("ADDQ %d(AX), R13", srcCol)
		w.p("DECQ DX")
		w.p("JNZ %spixel", name)
		w.p("MOVQ CX, %d(AX)", ahead)
		w.p("MOVQ 40(SP), R12")
		w.p("MOVQ 48(SP), R13")
		w.p("ADDQ %d(AX), R12", dstRow)
		w.p("ADDQ %d(AX), R13", srcRow)
		w.p("DECQ 0(SP)")
		w.p("JNZ %srow", name)
		w.p("MOVQ %d(AX), CX", off)
		w.p("MOVQ 32(SP), R12")
		for i := range view {
			w.p("MOVQ %d(CX), DX", 16*i+8)
			w.plus("(R12)(DX*1)", i, free)
			w.put(i, "(R12)(DX*1)")
		}
	}, func() {
		for i := 0; i < 3; i++ {
			w.p("ADDQ $%d, %d(SP)", w.bytes(), 16+8*i)
		}
	})
}

// The fields of maxCall.
const maxDst, maxArg, maxSrc, maxOff, maxTaps, maxRows, maxCols, maxDstRow, maxDstCol, maxSrcRow, maxSrcCol, maxChannels, maxAdd = 0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96

// eachPixel writes body for all pixels of a rectangle and all vectors of channels.
// R8 is where the pixel is in dst, R9 in arg, R10 in src. Locals: rows left, channels
// left, the vector's dst, arg and src; those of the row.
func (w *last) eachPixel(body func(name string)) {
	for i, field := range []int{maxChannels, maxDst, maxArg, maxSrc} {
		w.p("MOVQ %d(AX), BX", field)
		w.p("MOVQ BX, %d(SP)", 8+8*i)
	}
	w.p("MOVQ %d(AX), R15", maxTaps)
	w.p("SHLQ $4, R15")
	w.p("ADDQ %d(AX), R15", maxOff)
	w.p("MOVQ %d(AX), R12", maxDstCol)
	w.p("MOVQ %d(AX), R13", maxSrcCol)
	w.eachVector(func() {
		name := map[bool]string{false: "", true: "masked"}[w.masked]
		w.p("MOVQ %d(AX), BX", maxRows)
		w.p("MOVQ BX, 0(SP)")
		w.p("MOVQ 16(SP), R8")
		w.p("MOVQ 24(SP), R9")
		w.p("MOVQ 32(SP), R10")
		w.label(name + "row")
		w.p("MOVQ R8, 40(SP)")
		w.p("MOVQ R9, 48(SP)")
		w.p("MOVQ R10, 56(SP)")
		w.p("MOVQ %d(AX), DX", maxCols)
		w.label(name + "pixel")
		w.p("MOVQ %d(AX), R14", maxOff)
		body(name)
		w.p("ADDQ R12, R8")
		w.p("ADDQ R12, R9")
		w.p("ADDQ R13, R10")
		w.p("DECQ DX")
		w.p("JNZ %spixel", name)
		w.p("MOVQ 40(SP), R8")
		w.p("MOVQ 48(SP), R9")
		w.p("MOVQ 56(SP), R10")
		w.p("ADDQ %d(AX), R8", maxDstRow)
		w.p("ADDQ %d(AX), R9", maxDstRow)
		w.p("ADDQ %d(AX), R10", maxSrcRow)
		w.p("DECQ 0(SP)")
		w.p("JNZ %srow", name)
	}, func() {
		for i := 0; i < 3; i++ {
			w.p("ADDQ $%d, %d(SP)", w.bytes(), 16+8*i)
		}
	})
}

// maxTaps writes maxTapsGo. There is one tap at least.
func (w *last) maxTaps() {
	const best, arg, v, index, t, u = 0, 1, 2, 3, 4, 5
	w.enter("MaxTaps", 64)
	w.eachPixel(func(name string) {
		w.p("MOVQ (R14), CX")
		w.get("(R10)(CX*1)", best)
		w.p("VBROADCASTSS 8(R14), %s", w.v(arg))
		w.p("JMP %scheck", name)
		w.label(name + "tap")
		w.p("MOVQ (R14), CX")
		w.get("(R10)(CX*1)", v)
		w.p("VBROADCASTSS 8(R14), %s", w.v(index))
		if w.width == 16 {
			w.p("VCMPPS $0x07, Z0, Z0, K2")
			w.p("VCMPPS $0x16, Z0, Z2, K2, K2")
			w.p("VMOVAPS Z2, K2, Z0")
			w.p("VMOVAPS Z3, K2, Z1")
		} else {
			w.p("VCMPPS $0x16, Y0, Y2, Y4")
			w.p("VCMPPS $0x07, Y0, Y0, Y5")
			w.p("VANDPS Y5, Y4, Y4")
			w.p("VBLENDVPS Y4, Y2, Y0, Y0")
			w.p("VBLENDVPS Y4, Y3, Y1, Y1")
		}
		w.label(name + "check")
		w.p("ADDQ $16, R14")
		w.p("CMPQ R14, R15")
		w.p("JLT %stap", name)
		w.put(best, "(R8)")
		w.p("CMPQ %d(AX), $0", maxArg)
		w.p("JE %sforget", name)
		w.put(arg, "(R9)")
		w.label(name + "forget")
	})
}

// maxTapsGrad writes maxTapsGradGo.
func (w *last) maxTapsGrad() {
	const d, arg, x, index = 0, 1, 2, 3
	w.enter("MaxTapsGrad", 64)
	w.eachPixel(func(name string) {
		w.get("(R8)", d)
		w.get("(R9)", arg)
		w.label(name + "tap")
		w.p("MOVQ (R14), CX")
		w.p("VBROADCASTSS 8(R14), %s", w.v(index))
		if w.width == 16 {
			w.p("VCMPPS $0, Z3, Z1, K2")
			w.p("VMOVAPS.Z Z0, K2, Z2")
		} else {
			w.p("VCMPPS $0, Y3, Y1, Y2")
			w.p("VANDPS Y0, Y2, Y2")
		}
		w.p("CMPQ %d(AX), $0", maxAdd)
		w.p("JE %sset", name)
		w.plus("(R10)(CX*1)", x, 4)
		w.label(name + "set")
		w.put(x, "(R10)(CX*1)")
		w.p("ADDQ $16, R14")
		w.p("CMPQ R14, R15")
		w.p("JLT %stap", name)
	})
}
