// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func BenchmarkGemm(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	cases := []struct {
		name           string
		transA, transB bool
		m, n, k        int
	}{
		{"square", false, false, 384, 384, 384},
		{"conv", false, false, 32, 784, 144},
		{"conv", false, false, 32, 196, 288},
		{"conv", false, false, 64, 49, 576},
		{"conv-weight", false, true, 32, 144, 784},
		{"conv-weight", false, true, 64, 576, 49},
		{"conv-data", true, false, 144, 784, 32},
		{"conv-data", true, false, 576, 49, 64},
		{"dense", false, true, 64, 1200, 784},
		{"dense", false, false, 64, 1200, 784},
		{"dense-weight", true, false, 1200, 784, 64},
		{"dense-data", false, false, 64, 784, 1200},
		{"head", false, true, 64, 10, 1200},
		{"small", false, false, 8, 8, 8},
		{"row", false, true, 1, 256, 256},
	}
	for _, c := range cases {
		ar, ac := stored(c.transA, c.m, c.k)
		br, bc := stored(c.transB, c.k, c.n)
		x, y := newMatrix[float32](r, ar, ac, 0), newMatrix[float32](r, br, bc, 0)
		z := newMatrix[float32](r, c.m, c.n, 0)
		run := func(name string, gemm gemmFunc[float32]) {
			b.Run(fmt.Sprintf("%s/%dx%dx%d/%s", c.name, c.m, c.n, c.k, name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					gemm(c.transA, c.transB, c.m, c.n, c.k, 1, x.data, x.ld, y.data, y.ld, 0, z.data, z.ld)
				}
				b.ReportMetric(2*float64(c.m)*float64(c.n)*float64(c.k)/float64(b.Elapsed().Nanoseconds())*float64(b.N), "GFLOP/s")
			})
		}
		run("own", Gemm[float32])
		run("gonum", gonumSgemm)
	}
}

// BenchmarkGemmBF16 beside BenchmarkGemm's: products that training takes.
func BenchmarkGemmBF16(b *testing.B) {
	for _, s := range []struct {
		name           string
		transA, transB bool
		m, n, k        int
	}{
		{"square", false, false, 1024, 1024, 1024},
		{"layer", false, true, 64, 1200, 1200},
		{"layer's data", false, false, 64, 1200, 1200},
		{"layer's weights", true, false, 1200, 1200, 64},
		{"tokens", false, false, 512, 512, 128},
		{"tokens' weights", true, false, 128, 512, 512},
		{"pixels", false, false, 1024, 128, 128},
		{"pixels' weights", true, false, 128, 128, 1024},
	} {
		ar, ac := stored(s.transA, s.m, s.k)
		br, bc := stored(s.transB, s.k, s.n)
		x, w, y := make([]float32, ar*ac), make([]float32, br*bc), make([]float32, s.m*s.n)
		for _, way := range []struct {
			name string
			gemm gemmFunc[float32]
		}{{"float32", Gemm[float32]}, {"bf16", GemmBF16[float32]}} {
			b.Run(s.name+"/"+way.name, func(b *testing.B) {
				for b.Loop() {
					way.gemm(s.transA, s.transB, s.m, s.n, s.k, 1, x, ac, w, bc, 0, y, s.n)
				}
				b.ReportMetric(2*float64(s.m)*float64(s.n)*float64(s.k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
