// SPDX-License-Identifier: Apache-2.0

//go:build !noasm

package kernel

import "golang.org/x/sys/cpu"

//go:generate go run gen_last.go gen_lastwriter.go gen_writer.go
//go:generate go run gen_lastrows.go gen_lastwriter.go gen_writer.go

// lastWidth is how many channels a vector of the loops over images whose channels
// come last holds: 16 with AVX-512, 8 with AVX2 and FMA, 0 where there are none.
var lastWidth = detectLast()

func detectLast() int {
	switch {
	case cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL:
		return 16
	case cpu.X86.HasAVX2 && cpu.X86.HasFMA:
		return 8
	}
	return 0
}

//go:noescape
func avx512Taps(c *tapsCall)

//go:noescape
func avx512TapsGrad1(c *tapsCall)

//go:noescape
func avx512TapsGrad2(c *tapsCall)

//go:noescape
func avx512TapsGrad3(c *tapsCall)

//go:noescape
func avx512TapsGrad4(c *tapsCall)

//go:noescape
func avx512TapsGrad5(c *tapsCall)

//go:noescape
func avx512TapsGrad6(c *tapsCall)

//go:noescape
func avx512TapsGrad7(c *tapsCall)

//go:noescape
func avx512TapsGrad8(c *tapsCall)

//go:noescape
func avx512TapsGrad9(c *tapsCall)

//go:noescape
func avx512MaxTaps(c *maxCall)

//go:noescape
func avx512MaxTapsGrad(c *maxCall)

//go:noescape
func avx512SumRows(c *rowsCall)

//go:noescape
func avx512Moments(c *rowsCall)

//go:noescape
func avx512Affine(c *rowsCall)

//go:noescape
func avx512AffineResidual(c *rowsCall)

//go:noescape
func avx512GradSums(c *rowsCall)

//go:noescape
func avx512GradData(c *rowsCall)

//go:noescape
func avx512GradSumsIn(c *rowsCall)

//go:noescape
func avx512GradDataIn(c *rowsCall)

//go:noescape
func avx512GradSumsOut(c *rowsCall)

//go:noescape
func avx512GradDataOut(c *rowsCall)

//go:noescape
func avx2Taps(c *tapsCall)

//go:noescape
func avx2TapsGrad1(c *tapsCall)

//go:noescape
func avx2TapsGrad2(c *tapsCall)

//go:noescape
func avx2TapsGrad3(c *tapsCall)

//go:noescape
func avx2TapsGrad4(c *tapsCall)

//go:noescape
func avx2TapsGrad5(c *tapsCall)

//go:noescape
func avx2TapsGrad6(c *tapsCall)

//go:noescape
func avx2TapsGrad7(c *tapsCall)

//go:noescape
func avx2TapsGrad8(c *tapsCall)

//go:noescape
func avx2TapsGrad9(c *tapsCall)

//go:noescape
func avx2MaxTaps(c *maxCall)

//go:noescape
func avx2MaxTapsGrad(c *maxCall)

//go:noescape
func avx2SumRows(c *rowsCall)

//go:noescape
func avx2Moments(c *rowsCall)

//go:noescape
func avx2Affine(c *rowsCall)

//go:noescape
func avx2AffineResidual(c *rowsCall)

//go:noescape
func avx2GradSums(c *rowsCall)

//go:noescape
func avx2GradData(c *rowsCall)

//go:noescape
func avx2GradSumsIn(c *rowsCall)

//go:noescape
func avx2GradDataIn(c *rowsCall)

//go:noescape
func avx2GradSumsOut(c *rowsCall)

//go:noescape
func avx2GradDataOut(c *rowsCall)

func callTaps(c *tapsCall) {
	if lastWidth == 16 {
		avx512Taps(c)
		return
	}
	avx2Taps(c)
}

func callMaxTaps(c *maxCall) {
	if lastWidth == 16 {
		avx512MaxTaps(c)
		return
	}
	avx2MaxTaps(c)
}

func callMaxTapsGrad(c *maxCall) {
	if lastWidth == 16 {
		avx512MaxTapsGrad(c)
		return
	}
	avx2MaxTapsGrad(c)
}

func callSumRows(c *rowsCall) {
	if lastWidth == 16 {
		avx512SumRows(c)
		return
	}
	avx2SumRows(c)
}

func callMoments(c *rowsCall) {
	if lastWidth == 16 {
		avx512Moments(c)
		return
	}
	avx2Moments(c)
}

func callAffine(c *rowsCall) {
	if lastWidth == 16 {
		avx512Affine(c)
		return
	}
	avx2Affine(c)
}

func callAffineResidual(c *rowsCall) {
	if lastWidth == 16 {
		avx512AffineResidual(c)
		return
	}
	avx2AffineResidual(c)
}

func callGradSums(c *rowsCall) {
	if lastWidth == 16 {
		avx512GradSums(c)
		return
	}
	avx2GradSums(c)
}

func callGradData(c *rowsCall) {
	if lastWidth == 16 {
		avx512GradData(c)
		return
	}
	avx2GradData(c)
}

func callGradSumsIn(c *rowsCall) {
	if lastWidth == 16 {
		avx512GradSumsIn(c)
		return
	}
	avx2GradSumsIn(c)
}

func callGradDataIn(c *rowsCall) {
	if lastWidth == 16 {
		avx512GradDataIn(c)
		return
	}
	avx2GradDataIn(c)
}

func callGradSumsOut(c *rowsCall) {
	if lastWidth == 16 {
		avx512GradSumsOut(c)
		return
	}
	avx2GradSumsOut(c)
}

func callGradDataOut(c *rowsCall) {
	if lastWidth == 16 {
		avx512GradDataOut(c)
		return
	}
	avx2GradDataOut(c)
}

// callTapsGrad runs the loop for c.taps taps, one to nine.
func callTapsGrad(c *tapsCall) {
	wide := lastWidth == 16
	switch c.taps {
	case 1:
		if wide {
			avx512TapsGrad1(c)
		} else {
			avx2TapsGrad1(c)
		}
	case 2:
		if wide {
			avx512TapsGrad2(c)
		} else {
			avx2TapsGrad2(c)
		}
	case 3:
		if wide {
			avx512TapsGrad3(c)
		} else {
			avx2TapsGrad3(c)
		}
	case 4:
		if wide {
			avx512TapsGrad4(c)
		} else {
			avx2TapsGrad4(c)
		}
	case 5:
		if wide {
			avx512TapsGrad5(c)
		} else {
			avx2TapsGrad5(c)
		}
	case 6:
		if wide {
			avx512TapsGrad6(c)
		} else {
			avx2TapsGrad6(c)
		}
	case 7:
		if wide {
			avx512TapsGrad7(c)
		} else {
			avx2TapsGrad7(c)
		}
	case 8:
		if wide {
			avx512TapsGrad8(c)
		} else {
			avx2TapsGrad8(c)
		}
	case 9:
		if wide {
			avx512TapsGrad9(c)
		} else {
			avx2TapsGrad9(c)
		}
	}
}
