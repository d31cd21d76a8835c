// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

func checkSoftmax[T Float](t *testing.T, rows, cols int, offset, eps float64) {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(cols), 31))
	x, dy := random[T](r, rows*cols), random[T](r, rows*cols)
	for i := range x {
		x[i] = x[i]*4 + T(offset)
	}
	y, l := make([]T, len(x)), make([]T, len(x))
	RowSoftmax(y, x, rows, cols)
	RowLogSoftmax(l, x, rows, cols)
	dx, dl := make([]T, len(x)), make([]T, len(x))
	Fill(dx, 0.5)
	Fill(dl, 0.5)
	RowSoftmaxGrad(dx, dy, y, rows, cols)
	RowLogSoftmaxGrad(dl, dy, l, rows, cols)
	for r := 0; r < rows; r++ {
		at := r * cols
		var sum, mean, total float64
		for i := 0; i < cols; i++ {
			sum += math.Exp(float64(x[at+i]) - offset)
		}
		p := func(i int) float64 { return math.Exp(float64(x[at+i])-offset) / sum }
		for i := 0; i < cols; i++ {
			mean += p(i) * float64(dy[at+i])
			total += float64(dy[at+i])
		}
		for i := 0; i < cols; i++ {
			g := float64(dy[at+i])
			for _, c := range []struct {
				name      string
				got, want float64
			}{
				{"softmax", float64(y[at+i]), p(i)},
				{"log-softmax", float64(l[at+i]), math.Log(p(i))},
				{"gradient of softmax", float64(dx[at+i]), 0.5 + p(i)*(g-mean)},
				{"gradient of log-softmax", float64(dl[at+i]), 0.5 + g - p(i)*total},
			} {
				if !(math.Abs(c.got-c.want) <= eps*(1+math.Abs(c.want))) {
					t.Fatalf("%dx%d + %v: %s of element %d,%d is %v, want %v", rows, cols, offset, c.name, r, i, c.got, c.want)
				}
			}
		}
	}
	RowSoftmax(x, x, rows, cols)
	for i := range x {
		if x[i] != y[i] {
			t.Fatalf("in place element %d is %v, want %v", i, x[i], y[i])
		}
	}
}

func TestSoftmax(t *testing.T) {
	for _, cols := range []int{1, 2, 7, 8, 10, 33, 1000} {
		for _, offset := range []float64{0, 512, -512} {
			checkSoftmax[float32](t, 3, cols, offset, 2e-6)
			checkSoftmax[float64](t, 3, cols, offset, 1e-12)
		}
	}
}

func TestSoftmaxMasked(t *testing.T) {
	low := float32(math.Inf(-1))
	x := []float32{low, 1, low, 1, low, low, low, low, low}
	y := make([]float32, len(x))
	RowSoftmax(y, x, 1, len(x))
	for i, v := range y {
		if want := map[bool]float32{true: 0.5, false: 0}[i == 1 || i == 3]; v != want {
			t.Errorf("element %d is %v, want %v", i, v, want)
		}
	}
	x[4] = float32(math.NaN())
	RowSoftmax(y, x, 1, len(x))
	for i, v := range y {
		if v == v {
			t.Errorf("element %d beside a NaN is %v", i, v)
		}
	}
}
