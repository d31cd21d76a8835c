// SPDX-License-Identifier: Apache-2.0

package optim

import (
	"math"
	"testing"
)

// TestAdamWAgainstFormula follows the update rule in float64 beside the real one.
func TestAdamWAgainstFormula(t *testing.T) {
	w := []float32{1, -2, 3, 0.5}
	a := NewAdamW(4, []Range{{Off: 1, Len: 2, Rate: 0.1}})
	ref := []float64{1, -2, 3, 0.5}
	m, v := make([]float64, 4), make([]float64, 4)
	for step := 1; step <= 20; step++ {
		g := make([]float32, 4)
		for i := range g {
			g[i] = float32(math.Sin(float64(step*7 + i*3)))
			m[i] = 0.9*m[i] + 0.1*float64(g[i])
			v[i] = 0.999*v[i] + 0.001*float64(g[i])*float64(g[i])
			decay := 0.0
			if i == 1 || i == 2 {
				decay = 0.1
			}
			mh, vh := m[i]/(1-math.Pow(0.9, float64(step))), v[i]/(1-math.Pow(0.999, float64(step)))
			ref[i] -= 0.01 * (mh/(math.Sqrt(vh)+1e-8) + decay*ref[i])
		}
		a.Step(w, g, 0.01)
	}
	for i := range w {
		if math.Abs(float64(w[i])-ref[i]) > 1e-5 {
			t.Errorf("weight %d is %g, the formula gives %g", i, w[i], ref[i])
		}
	}
}

// TestAdamWResumes saves the state half way and goes on from it to the same bits.
func TestAdamWResumes(t *testing.T) {
	grad := func(step int) []float32 { return []float32{float32(step%3) - 1, 0.25 * float32(step)} }
	whole, part := []float32{1, 2}, []float32{1, 2}
	a, b := NewAdamW(2, nil), NewAdamW(2, nil)
	for i := range 10 {
		a.Step(whole, grad(i), 0.1)
	}
	for i := range 5 {
		b.Step(part, grad(i), 0.1)
	}
	state, err := b.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	c := NewAdamW(2, nil)
	if err := c.UnmarshalBinary(state); err != nil {
		t.Fatal(err)
	}
	for i := 5; i < 10; i++ {
		c.Step(part, grad(i), 0.1)
	}
	if whole[0] != part[0] || whole[1] != part[1] {
		t.Errorf("resumed %v, in one go %v", part, whole)
	}
	if err := NewAdamW(3, nil).UnmarshalBinary(state); err == nil {
		t.Error("state of another size was accepted")
	}
}

func TestCosine(t *testing.T) {
	c := Cosine{Peak: 1, Floor: 0.1, Warmup: 10, Total: 110}
	for _, tc := range []struct {
		step int
		want float64
	}{{0, 0.1}, {9, 1}, {10, 1}, {60, 0.55}, {110, 0.1}, {1000, 0.1}} {
		if got := c.At(tc.step); math.Abs(got-tc.want) > 1e-12 {
			t.Errorf("step %d: %g, want %g", tc.step, got, tc.want)
		}
	}
}

func TestClipNorm(t *testing.T) {
	g := []float32{3, 4}
	if n := ClipNorm(g, 1); n != 5 || math.Abs(float64(g[0])-0.6) > 1e-6 {
		t.Errorf("norm %g, gradient %v", n, g)
	}
	if n := ClipNorm(g, 0); math.Abs(n-1) > 1e-6 || math.Abs(float64(g[1])-0.8) > 1e-6 {
		t.Errorf("no limit changed it: norm %g, gradient %v", n, g)
	}
	bad := []float32{float32(math.NaN()), 1}
	if n := ClipNorm(bad, 1); !math.IsNaN(n) || bad[1] != 1 {
		t.Errorf("norm %g, gradient %v", n, bad)
	}
}
