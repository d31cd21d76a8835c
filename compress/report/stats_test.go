// SPDX-License-Identifier: Apache-2.0

package report

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The cases with two and more digits are method 3 of Newcombe, "Two-sided
// confidence intervals for the single proportion", Statist. Med. 17, 1998,
// table I; the others follow from the formula by hand.
func TestWilson(t *testing.T) {
	for _, c := range []struct {
		name   string
		k      float64
		n      int
		lo, hi float64
	}{
		{"newcombe 81 of 263", 81, 263, 0.2553, 0.3662},
		{"newcombe 15 of 148", 15, 148, 0.0624, 0.1605},
		{"newcombe 0 of 20", 0, 20, 0, 0.1611},
		{"newcombe 1 of 29", 1, 29, 0.0061, 0.1718},
		{"mnist agreement", 9931, 10000, 0.991278, 0.994544},
		{"all of 10", 10, 10, 0.722467, 1},
		{"nothing known", 0, 0, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Wilson(c.k, c.n)
			if math.Abs(got[0]-c.lo) > 5.1e-5 || math.Abs(got[1]-c.hi) > 5.1e-5 {
				t.Errorf("Wilson(%v, %d) = %v, want [%v, %v]", c.k, c.n, got, c.lo, c.hi)
			}
			if c.n > 0 && (got[0] > c.k/float64(c.n) || got[1] < c.k/float64(c.n)) {
				t.Errorf("the interval %v does not hold the proportion", got)
			}
		})
	}
}

func TestQuantileIsAnObservation(t *testing.T) {
	x := []float64{5, 1, 4, 2, 3, 10, 9, 8, 7, 6}
	before := slices.Clone(x)
	for p, want := range map[float64]float64{0: 1, 0.5: 5, 0.51: 6, 0.95: 10, 0.9: 9, 1: 10} {
		if got := Quantile(p, x); got != want {
			t.Errorf("Quantile(%v) = %v, want %v", p, got, want)
		}
	}
	if !slices.Equal(x, before) {
		t.Error("Quantile reordered its argument")
	}
}

func TestMedianRatio(t *testing.T) {
	const n, ratio = 400, 3
	rng := rand.New(rand.NewPCG(1, 2))
	a, b := make([]float64, n), make([]float64, n)
	for i := range a {
		a[i] = ratio * math.Exp(0.1*rng.NormFloat64())
		b[i] = math.Exp(0.1 * rng.NormFloat64())
	}
	r, ci := MedianRatio(a, b, 7)
	if r < 2.9 || r > 3.1 || ci[0] > ratio || ci[1] < ratio {
		t.Errorf("ratio %v %v, drawn with %v", r, ci, ratio)
	}
	// A median of n normals has a standard error of 1.25 sigma / sqrt(n), here
	// 0.63% each, 0.89% for the ratio: the interval is about 3.5% of it wide.
	if width := (ci[1] - ci[0]) / r; width < 0.02 || width > 0.055 {
		t.Errorf("interval %v is %.1f%% wide", ci, 100*width)
	}
	if r2, ci2 := MedianRatio(a, b, 7); r2 != r || ci2 != ci {
		t.Error("the same seed gives another interval")
	}
	for i := range a {
		a[i] *= 10
	}
	if r10, ci10 := MedianRatio(a, b, 7); math.Abs(r10/r-10) > 1e-9 || math.Abs(ci10[0]/ci[0]-10) > 1e-9 {
		t.Errorf("ten times slower gives %v %v", r10, ci10)
	}
	if r, ci := MedianRatio([]float64{4}, []float64{2}, 1); r != 2 || ci != (Interval{2, 2}) {
		t.Errorf("one pair gives %v %v", r, ci)
	}
}
