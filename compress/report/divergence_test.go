// SPDX-License-Identifier: Apache-2.0

package report

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat"
)

func TestKLByHand(t *testing.T) {
	ln := func(x float64) float32 { return float32(math.Log(x)) }
	for _, c := range []struct {
		name   string
		t, s   []float32
		tk, sk Scores
		want   float64
	}{
		// 0.5 ln(0.5/0.9) + 0.5 ln(0.5/0.1)
		{"even against nine to one", []float32{0, 0}, []float32{ln(0.9), ln(0.1)}, Logits, Logits, 0.5108256},
		{"logits are free of an offset", []float32{7, 7}, []float32{ln(0.9) - 3, ln(0.1) - 3}, Logits, Logits, 0.5108256},
		{"probabilities", []float32{0.5, 0.5}, []float32{0.9, 0.1}, Probabilities, Probabilities, 0.5108256},
		{"mixed kinds", []float32{0.5, 0.5}, []float32{ln(0.9), ln(0.1)}, Probabilities, Logits, 0.5108256},
		{"certain teacher", []float32{1, 0}, []float32{0.25, 0.75}, Probabilities, Probabilities, math.Log(4)},
		{"equal", []float32{0.1, -3, 5}, []float32{0.1, -3, 5}, Logits, Logits, 0},
		{"extreme logits", []float32{1e4, 0}, []float32{0, 1e4}, Logits, Logits, 1e4},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := KL(c.t, c.s, c.tk, c.sk); math.Abs(got-c.want) > 1e-6*max(1, c.want) {
				t.Errorf("KL = %v, want %v", got, c.want)
			}
		})
	}
	for name, bad := range map[string]float32{"NaN": float32(math.NaN()), "infinity": float32(math.Inf(1))} {
		if got := KL([]float32{0, bad}, []float32{0, 0}, Logits, Logits); !math.IsNaN(got) {
			t.Errorf("KL with %s is %v", name, got)
		}
	}
}

func TestKLAgainstGonum(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		n := 2 + rng.IntN(20)
		a, b := make([]float32, n), make([]float32, n)
		p, q := make([]float64, n), make([]float64, n)
		var sp, sq float64
		for i := range a {
			a[i], b[i] = float32(4*rng.NormFloat64()), float32(4*rng.NormFloat64())
			p[i], q[i] = math.Exp(float64(a[i])), math.Exp(float64(b[i]))
			sp += p[i]
			sq += q[i]
		}
		for i := range p {
			p[i] /= sp
			q[i] /= sq
		}
		want := stat.KullbackLeibler(p, q)
		if got := KL(a, b, Logits, Logits); math.Abs(got-want) > 1e-9*max(1, want) {
			t.Errorf("KL = %v, gonum has %v", got, want)
		}
	}
}

func TestArgMax(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		name   string
		scores []float32
		want   int
	}{
		{"largest", []float32{1, 3, 2}, 1},
		{"first of equals", []float32{2, 5, 5}, 1},
		{"all below zero", []float32{-3, -1, -2}, 1},
		{"NaN first", []float32{nan, 1}, -1},
		{"NaN last", []float32{1, nan}, -1},
	} {
		if got := argMax(c.scores); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestHistogramEntropy(t *testing.T) {
	for _, c := range []struct {
		name   string
		counts []int64
		want   float64
	}{
		{"uniform", []int64{5, 5, 5, 5}, 1},
		{"one class", []int64{0, 9, 0}, 0},
		{"single class axis", []int64{3}, 0},
		// (3/4 ln(4/3) + 1/4 ln 4) / ln 2
		{"three to one", []int64{3, 1}, 0.8112781},
	} {
		if h := Histogram(c.counts); math.Abs(h.Entropy-c.want) > 1e-7 {
			t.Errorf("%s: %v, want %v", c.name, h.Entropy, c.want)
		}
	}
	if Histogram([]int64{0, 0}) != nil {
		t.Error("a histogram of nothing is not nil")
	}
}
