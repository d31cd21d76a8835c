// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// Operands that bfloat16 holds give products that are as exact as those of Gemm.
func TestGemmBF16(t *testing.T) {
	exact := func(gemm gemmFunc[float32]) gemmFunc[float32] {
		return func(transA, transB bool, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
			for _, x := range [][]float32{a, b} {
				for i, v := range x {
					x[i] = BF16(v)
				}
			}
			gemm(transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		}
	}
	checkGrid(t, 12, 48, exact(GemmBF16[float32]), 0x1p-23)
}

// Whatever the operands, the product is that of their rounded values.
func TestGemmBF16Rounds(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, s := range []struct{ m, n, k int }{{1, 1, 1}, {7, 33, 65}, {130, 70, 1300}} {
		for trans := range 4 {
			t.Run(fmt.Sprint(s, trans), func(t *testing.T) {
				transA, transB := trans&1 != 0, trans&2 != 0
				ar, ac := stored(transA, s.m, s.k)
				br, bc := stored(transB, s.k, s.n)
				a, b := newMatrix[float32](r, ar, ac, 3), newMatrix[float32](r, br, bc, 5)
				got, want := make([]float32, s.m*s.n), make([]float32, s.m*s.n)
				GemmBF16(transA, transB, s.m, s.n, s.k, 1, a.data, a.ld, b.data, b.ld, 0, got, s.n)
				Gemm(transA, transB, s.m, s.n, s.k, 1, rounded(a.data, a.ld, ar, ac), ac, rounded(b.data, b.ld, br, bc), bc, 0, want, s.n)
				for i, v := range got {
					if d := math.Abs(float64(v - want[i])); !(d <= 2e-6*float64(s.k)) {
						t.Fatalf("element %d is %v, want %v", i, v, want[i])
					}
				}
			})
		}
	}
}

// Rows of A that overlap are the windows of a signal.
func TestGemmBF16Windows(t *testing.T) {
	const m, n, k, step = 21, 19, 50, 6
	r := rand.New(rand.NewPCG(5, 6))
	signal, b := make([]float32, (m-1)*step+k), make([]float32, k*n)
	for i := range signal {
		signal[i] = r.Float32() - 0.5
	}
	for i := range b {
		b[i] = r.Float32() - 0.5
	}
	windows := make([]float32, m*k)
	copyGo(windows, k, signal, step, m, k)
	got, want := make([]float32, m*n), make([]float32, m*n)
	GemmBF16(false, false, m, n, k, 1, signal, step, b, n, 0, got, n)
	GemmBF16(false, false, m, n, k, 1, windows, k, b, n, 0, want, n)
	for i, v := range got {
		if v != want[i] {
			t.Fatalf("element %d is %v, want %v", i, v, want[i])
		}
	}
}

// BF16 is exact at what bfloat16 holds, and rounds halves to even.
func TestBF16(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range [][2]float32{{1, 1}, {-0.5, -0.5}, {1 + 0x1p-8, 1}, {1 + 3*0x1p-8, 1 + 0x1p-6}, {1 + 0x1p-7 + 0x1p-20, 1 + 0x1p-7},
		{inf, inf}, {math.MaxFloat32, inf}, {0, 0}} {
		if got := BF16(c[0]); got != c[1] {
			t.Errorf("%v rounds to %v, want %v", c[0], got, c[1])
		}
	}
	if v := BF16(float32(math.NaN())); v == v {
		t.Errorf("NaN rounds to %v", v)
	}
}
