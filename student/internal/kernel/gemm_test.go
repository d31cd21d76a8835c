// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
)

// matrix is a stored matrix of random elements within a slice of its exact
// length; the memory around it and between its rows is NaN.
type matrix[T Float] struct {
	rows, cols, ld int
	all, data      []T
}

const guard = 40

func newMatrix[T Float](r *rand.Rand, rows, cols, pad int) *matrix[T] {
	ld := max(cols, 1) + pad
	n := 0
	if rows > 0 && cols > 0 {
		n = (rows-1)*ld + cols
	}
	m := &matrix[T]{rows: rows, cols: cols, ld: ld, all: make([]T, n+2*guard)}
	for i := range m.all {
		m.all[i] = T(math.NaN())
	}
	m.data = m.all[guard : guard+n : guard+n]
	for i := 0; i < rows; i++ {
		for j := 0; j < cols; j++ {
			m.data[i*ld+j] = T(r.Float64()*2 - 1)
		}
	}
	return m
}

// at is element i, j of the matrix, transposed or not.
func (m *matrix[T]) at(trans bool, i, j int) float64 {
	if trans {
		i, j = j, i
	}
	return float64(m.data[i*m.ld+j])
}

// stray reports an element outside the matrix that is no longer NaN.
func (m *matrix[T]) stray() bool {
	for p, v := range m.all {
		i, j := (p-guard)/m.ld, (p-guard)%m.ld
		inside := p >= guard && p < guard+len(m.data) && i < m.rows && j < m.cols
		if !inside && v == v {
			return true
		}
	}
	return false
}

type gemmFunc[T Float] func(transA, transB bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int)

// checkProduct compares a product with sums in float64.
func checkProduct[T Float](t *testing.T, gemm gemmFunc[T], r *rand.Rand, transA, transB bool, m, n, k, pad int, alpha, beta T, eps float64) {
	t.Helper()
	ar, ac := stored(transA, m, k)
	br, bc := stored(transB, k, n)
	a, b := newMatrix[T](r, ar, ac, pad), newMatrix[T](r, br, bc, 2*pad)
	c := newMatrix[T](r, m, n, 3*pad)
	old := append([]T(nil), c.data...)
	if beta == 0 {
		for i := range c.data {
			c.data[i] = T(math.NaN())
		}
	}
	gemm(transA, transB, m, n, k, alpha, a.data, a.ld, b.data, b.ld, beta, c.data, c.ld)
	// Of a large product a sample of elements is checked.
	step := 1 + m*n*k/1_000_000*2
	for e := 0; e < m*n; e += step {
		i, j := e/n, e%n
		var sum, size float64
		for p := 0; p < k; p++ {
			v := a.at(transA, i, p) * b.at(transB, p, j)
			sum += v
			size += math.Abs(v)
		}
		want := float64(alpha)*sum + float64(beta)*float64(old[i*c.ld+j])
		limit := eps * (math.Abs(float64(alpha))*size*4 + math.Abs(want) + math.Abs(float64(beta)) + 1)
		if got := float64(c.data[i*c.ld+j]); !(math.Abs(got-want) <= limit) {
			t.Fatalf("C[%d,%d] is %v, want %v", i, j, got, want)
		}
	}
	if a.stray() || b.stray() || c.stray() {
		t.Fatal("wrote outside a matrix")
	}
}

// shape is one product of the grid.
type shape struct {
	transA, transB bool
	m, n, k, pad   int
	alpha, beta    float64
}

func (s shape) String() string {
	return fmt.Sprintf("m%d n%d k%d ta=%v tb=%v pad%d alpha%v beta%v", s.m, s.n, s.k, s.transA, s.transB, s.pad, s.alpha, s.beta)
}

// products is every combination of sizes around those of a tile with every
// transposition, each with the next of the scales, and products that take more
// than one block in every direction.
func products(rows, cols int) (all []shape) {
	ms := []int{0, 1, rows - 1, rows, rows + 1, 2*rows + 5}
	ns := []int{0, 1, 10, 15, 16, 17, cols - 1, cols, cols + 1, 2*cols + 3}
	ks := []int{0, 1, 5, 17, 50}
	scales := [][2]float64{{1, 0}, {1, 1}, {-0.5, 0}, {2, 0.75}, {0, 0.5}, {1, 0}, {3, -1}}
	for trans := 0; trans < 4; trans++ {
		transA, transB := trans&1 != 0, trans&2 != 0
		for _, m := range ms {
			for _, n := range ns {
				for _, k := range ks {
					s := scales[len(all)%len(scales)]
					all = append(all, shape{transA, transB, m, n, k, len(all) % 4, s[0], s[1]})
				}
			}
		}
		all = append(all,
			shape{transA, transB, 197, 531, 645, 0, 1, 0},
			shape{transA, transB, 40, 531, 645, 1, 0.5, 1},
			shape{transA, transB, 25, 100, 1024, 0, 1, 1})
	}
	return all
}

func checkGrid[T Float](t *testing.T, rows, cols int, gemm gemmFunc[T], eps float64) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, s := range products(rows, cols) {
		t.Run(s.String(), func(t *testing.T) {
			checkProduct(t, gemm, r, s.transA, s.transB, s.m, s.n, s.k, s.pad, T(s.alpha), T(s.beta), eps)
		})
	}
}

func TestGemm32(t *testing.T) { checkGrid(t, 6, 33, Gemm[float32], 0x1p-23) }

func TestGemm64(t *testing.T) { checkGrid(t, 6, 33, Gemm[float64], 0x1p-52) }

// Every tiling the machine can run is checked, and on every machine the plain one.
func TestTilings(t *testing.T) {
	for _, way := range append(tilings, plainTiling, plainNarrow) {
		t.Run(way.name, func(t *testing.T) {
			checkGrid(t, way.rows, way.cols, func(transA, transB bool, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
				if m == 0 || n == 0 || k == 0 || alpha == 0 {
					Gemm(transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
					return
				}
				way.gemm(transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
			}, 0x1p-23)
		})
	}
}

// plainTiling is the tiling without assembly.
var plainNarrow = &tiling{name: "plain 6x16", rows: 6, cols: 16, depth: 40, wide: 48, narrow: true,
	tile: tileGo, copy: copyGo, transpose: transposeGo}

var plainTiling = &tiling{name: "plain 5x16", rows: 5, cols: 16, depth: 40, wide: 48,
	tile: tileGo, copy: copyGo, transpose: transposeGo, masked: true}

// A row of the result has the same bits whatever rows stand beside it: how a
// batch is cut does not show.
func TestGemmRowsIndependent(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	const m, n, k = 150, 45, 330
	a, b := newMatrix[float32](r, m, k, 0), newMatrix[float32](r, k, n, 0)
	for _, transB := range []bool{false, true} {
		ldb := n
		if transB {
			ldb = k
		}
		whole := make([]float32, m*n)
		Gemm(false, transB, m, n, k, 1, a.data, k, b.data, ldb, 0, whole, n)
		for _, rows := range []int{1, 4, 7, 64} {
			var all sync.WaitGroup
			parts := make([]float32, m*n)
			for i := 0; i < m; i += rows {
				all.Go(func() {
					Gemm(false, transB, min(rows, m-i), n, k, 1, a.data[i*k:], k, b.data, ldb, 0, parts[i*n:], n)
				})
			}
			all.Wait()
			if i := differ(whole, parts); len(tilings) > 0 && i >= 0 {
				t.Errorf("in parts of %d rows, transB %v: element %d is %v, want %v", rows, transB, i, parts[i], whole[i])
			}
		}
	}
}

func TestGemmRepeats(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, s := range []shape{{false, false, 33, 50, 400, 0, 1, 0}, {true, true, 100, 300, 64, 0, 2, 0.5}} {
		ar, ac := stored(s.transA, s.m, s.k)
		br, bc := stored(s.transB, s.k, s.n)
		a, b, c := newMatrix[float32](r, ar, ac, 0), newMatrix[float32](r, br, bc, 0), newMatrix[float32](r, s.m, s.n, 0)
		run := func() []float32 {
			out := append([]float32(nil), c.data...)
			Gemm(s.transA, s.transB, s.m, s.n, s.k, float32(s.alpha), a.data, a.ld, b.data, b.ld, float32(s.beta), out, c.ld)
			return out
		}
		first := run()
		for i := 0; i < 3; i++ {
			if at := differ(first, run()); at >= 0 {
				t.Fatalf("%v: element %d differs between two runs", s, at)
			}
		}
		out := append([]float32(nil), c.data...)
		if n := testing.AllocsPerRun(20, func() {
			Gemm(s.transA, s.transB, s.m, s.n, s.k, float32(s.alpha), a.data, a.ld, b.data, b.ld, float32(s.beta), out, c.ld)
		}); n != 0 {
			t.Errorf("%v: %v allocations a call", s, n)
		}
	}
}

func TestGemmRefusesShortSlices(t *testing.T) {
	full := make([]float32, 12)
	for _, c := range []struct {
		name          string
		a, b, c       []float32
		lda, ldb, ldc int
	}{
		{"short A", full[:11], full, full[:9], 4, 3, 3},
		{"short B", full, full[:11], full[:9], 4, 3, 3},
		{"short C", full, full, full[:8], 4, 3, 3},
		{"narrow leading dimension", full, full, full, 3, 3, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			Gemm(false, false, 3, 3, 4, 1, c.a, c.lda, c.b, c.ldb, 0, c.c, c.ldc)
		})
	}
}

// differ is the first index at which the bits of two slices differ, or -1.
func differ(a, b []float32) int {
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return i
		}
	}
	return -1
}
