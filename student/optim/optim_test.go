// SPDX-License-Identifier: Apache-2.0

package optim

import (
	"math"
	"runtime"
	"slices"
	"testing"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
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
	var c Clipper
	g := []float32{3, 4}
	if n := c.Norm(g, 1); n != 5 || math.Abs(float64(g[0])-0.6) > 1e-6 {
		t.Errorf("norm %g, gradient %v", n, g)
	}
	if n := c.Norm(g, 0); math.Abs(n-1) > 1e-6 || math.Abs(float64(g[1])-0.8) > 1e-6 {
		t.Errorf("no limit changed it: norm %g, gradient %v", n, g)
	}
	bad := []float32{float32(math.NaN()), 1}
	if n := c.Norm(bad, 1); !math.IsNaN(n) || bad[1] != 1 {
		t.Errorf("norm %g, gradient %v", n, bad)
	}
	ClipValue(g, 0.7)
	if g[1] != 0.7 || g[0] > 0.61 {
		t.Errorf("elements limited to 0.7 are %v", g)
	}
}

func TestSchedules(t *testing.T) {
	steps := Steps{Peak: 1, Factor: 0.1, Warmup: 4, Milestones: []int{10, 20}}
	linear := Linear{Peak: 1, Floor: 0.5, Warmup: 2, Total: 12}
	for _, tc := range []struct {
		s    Schedule
		step int
		want float64
	}{{steps, 0, 0.25}, {steps, 3, 1}, {steps, 9, 1}, {steps, 10, 0.1}, {steps, 25, 0.01},
		{linear, 0, 0.5}, {linear, 2, 1}, {linear, 7, 0.75}, {linear, 12, 0.5}, {linear, 99, 0.5}} {
		if got := tc.s.At(tc.step); math.Abs(got-tc.want) > 1e-12 {
			t.Errorf("%T, step %d: %g, want %g", tc.s, tc.step, got, tc.want)
		}
	}
}

// TestSGDAgainstFormula follows both forms of momentum in float64.
func TestSGDAgainstFormula(t *testing.T) {
	for _, nesterov := range []bool{false, true} {
		w := []float32{1, -2, 3, 0.5}
		s := NewSGD(4, 0.9, nesterov, []Range{{Off: 2, Len: 2, Rate: 0.1}})
		ref, m := []float64{1, -2, 3, 0.5}, make([]float64, 4)
		for step := 1; step <= 20; step++ {
			g := make([]float32, 4)
			for i := range g {
				g[i] = float32(math.Cos(float64(step*5 + i)))
				d := float64(g[i])
				if i >= 2 {
					d += 0.1 * ref[i]
				}
				m[i] = 0.9*m[i] + d
				if nesterov {
					d += 0.9 * m[i]
				} else {
					d = m[i]
				}
				ref[i] -= 0.05 * d
			}
			s.Step(w, g, 0.05)
		}
		for i := range w {
			if math.Abs(float64(w[i])-ref[i]) > 1e-5 {
				t.Errorf("Nesterov %v: weight %d is %g, the formula gives %g", nesterov, i, w[i], ref[i])
			}
		}
	}
}

// TestAverage follows the formula.
func TestAverage(t *testing.T) {
	a, ref := NewAverage(1, 0.5), 0.0
	for step := range 20 {
		w := float32(math.Sin(float64(step)))
		if step == 0 {
			ref = float64(w)
		} else {
			d := math.Min(0.5, float64(1+step)/float64(10+step))
			ref = d*ref + (1-d)*float64(w)
		}
		a.Update([]float32{w})
		if math.Abs(float64(a.W[0])-ref) > 1e-6 {
			t.Fatalf("step %d: %g, the formula gives %g", step, a.W[0], ref)
		}
	}
}

// many is how many weights the tests of long vectors have: several chunks and a rest.
const many = 5*chunkSize + 77

// sparse is a gradient of few runs of elements that are not zero.
func sparse(step int) []float32 {
	g := make([]float32, many)
	for i := range 3 {
		at := (step%3*7919 + i*31337) % (many - 50)
		for j := range 50 {
			g[at+j] = float32(math.Sin(float64(at + j + step)))
		}
	}
	return g
}

// TestAdamWSparse takes steps with gradients that are zero almost everywhere, and
// expects the bits of the update of every weight.
func TestAdamWSparse(t *testing.T) {
	w, ref, m, v := make([]float32, many), make([]float32, many), make([]float32, many), make([]float32, many)
	for i := range w {
		w[i] = float32(i%1000)/500 - 1
		ref[i] = w[i]
	}
	half := many/2 + 3
	a := NewAdamW(many, []Range{{Off: half, Len: many - half, Rate: 0.3}})
	for step := 1; step <= 8; step++ {
		g := sparse(step)
		a.Step(w, g, 0.01)
		bias1, bias2 := float32(1-math.Pow(0.9, float64(step))), float32(1-math.Pow(0.999, float64(step)))
		kernel.AdamW(ref[:half], g[:half], m[:half], v[:half], 0.01, 0.9, 0.999, 1e-8, 0, bias1, bias2)
		kernel.AdamW(ref[half:], g[half:], m[half:], v[half:], 0.01, 0.9, 0.999, 1e-8, 0.3, bias1, bias2)
		if !slices.Equal(w, ref) {
			t.Fatalf("step %d: other weights than those of a dense update", step)
		}
		state, err := a.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		a = NewAdamW(many, a.Decay)
		if err := a.UnmarshalBinary(state); err != nil {
			t.Fatal(err)
		}
	}
}

// steppers are whatever is done once a step.
var steppers = map[string]func() func(w, g []float32){
	"AdamW": func() func(w, g []float32) {
		a := NewAdamW(many, []Range{{Off: 100, Len: 20000, Rate: 0.1}, {Off: 40000, Len: 9, Rate: 0.2}})
		return func(w, g []float32) { a.Step(w, g, 0.01) }
	},
	"SGD": func() func(w, g []float32) {
		s := NewSGD(many, 0.9, true, []Range{{Off: 100, Len: 20000, Rate: 0.1}, {Off: 40000, Len: 9, Rate: 0.2}})
		return func(w, g []float32) { s.Step(w, g, 0.01) }
	},
	"Clipper": func() func(w, g []float32) {
		c := &Clipper{}
		return func(w, g []float32) { w[0] += float32(c.Norm(g, 1)); w[1] += g[many-1] }
	},
	"Average": func() func(w, g []float32) {
		a := NewAverage(many, 0.99)
		return func(w, g []float32) { w[0]++; a.Update(w); w[1] = a.W[0] }
	},
}

// TestProcessors expects the same bits on any number of processors, and no garbage.
func TestProcessors(t *testing.T) {
	for name, make_ := range steppers {
		t.Run(name, func(t *testing.T) {
			var want []float32
			for _, n := range []int{1, 2, 5} {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
				step, w := make_(), make([]float32, many)
				for i := range 5 {
					g := sparse(i)
					for j := range g {
						g[j] += float32(j%7) * 0.01
					}
					step(w, g)
				}
				if want == nil {
					want = slices.Clone(w)
				} else if !slices.Equal(w, want) {
					t.Errorf("other bits on %d processors", n)
				}
				g := sparse(1)
				if n := testing.AllocsPerRun(10, func() { step(w, g) }); n != 0 && !racing {
					t.Errorf("%v allocations a step", n)
				}
			}
		})
	}
}
