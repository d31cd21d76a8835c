// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// TestEveryOperatorHasCases keeps an operator from being registered unchecked.
func TestEveryOperatorHasCases(t *testing.T) {
	if len(All()) == 0 {
		t.Fatal("no operator is registered")
	}
	for _, o := range All() {
		seen, differentiated := map[string]bool{}, false
		for _, c := range o.Cases {
			if c.Name == "" || seen[c.Name] {
				t.Errorf("%s: case name %q is empty or used twice", o.Name, c.Name)
			}
			seen[c.Name] = true
			differentiated = differentiated || !c.ForwardOnly
		}
		if o.Stops && differentiated {
			t.Errorf("%s has a case with a gradient, but lets none pass", o.Name)
		}
		if !o.Stops && !o.StraightThrough && !differentiated {
			t.Errorf("%s has no case with a gradient", o.Name)
		}
	}
}

// TestGradients compares, in float64, the change of <v, Y> along a random
// direction u with <Jᵀv, u>, for every input that can be trained.
func TestGradients(t *testing.T) {
	const step, tolerance = 1e-5, 1e-6
	eachCase(t, func(t *testing.T, o *Op, c *Case) {
		if c.ForwardOnly {
			return
		}
		for _, how := range []cut{oneSlice, unevenParts} {
			r := newRig[float64](t, o, c, how)
			v := directions(r, 11)
			r.forward()
			r.checkInputs(o)
			grads := r.backward(v, 0.5)
			r.check()
			checked := false
			for i, g := range grads {
				if g == nil {
					continue
				}
				checked = true
				rng := rand.New(rand.NewPCG(uint64(i), 3))
				u := make([]float64, len(g))
				for j := range u {
					u[j] = rng.NormFloat64()
				}
				along := func(s float64) (sum float64) {
					r.reset()
					for j := range u {
						r.in[i].data()[j] += s * u[j]
					}
					r.forward()
					for k := range v {
						for j, y := range r.out[k].data() {
							sum += v[k][j] * y
						}
					}
					return sum
				}
				want := (along(step) - along(-step)) / (2 * step)
				var got, size float64
				for j := range g {
					got += g[j] * u[j]
					size += math.Abs(g[j] * u[j])
				}
				if d := math.Abs(got - want); !(d <= tolerance*(math.Abs(want)+0.01*size+1e-4)) {
					t.Errorf("shards %d, input %d: <J'v, u> = %.12g, by differences %.12g", len(how), i, got, want)
				}
			}
			if !checked {
				t.Error("no input has a gradient")
			}
		}
	})
}

// TestSlices compares, in float32, the whole batch at once with the batch cut into
// slices and shards. Where a phase follows another, sums over the samples may
// round differently for another number of shards.
func TestSlices(t *testing.T) {
	eachCase(t, func(t *testing.T, o *Op, c *Case) {
		whole := newRig[float32](t, o, c, oneSlice)
		whole.forward()
		want := outputs(whole)
		v := directions(whole, 12)
		var grads [][]float64
		if !c.ForwardOnly {
			grads = whole.backward(v, 0)
		}
		for _, how := range []cut{oneSlice, sampleWise, unevenParts, twoParts} {
			r := newRig[float32](t, o, c, how)
			r.forward()
			tolerance := 0.0
			if len(r.k.Forward) > 1 && len(how) > 1 {
				tolerance = 1e-6
			}
			for i, y := range outputs(r) {
				if d := difference(y, want[i]); !(d <= tolerance) {
					t.Errorf("cut %v: output %d differs by %g", how, i, d)
				}
			}
			if c.ForwardOnly {
				r.check()
				continue
			}
			for i, g := range r.backward(v, 0) {
				limit := tolerance
				if !r.node.In[i].Batched && len(how[0]) > 0 && len(how)*len(how[0]) > 1 {
					limit = 1e-5
				}
				if d := difference(g, grads[i]); !(d <= limit) {
					t.Errorf("cut %v: gradient %d differs by %g", how, i, d)
				}
			}
			r.check()
		}
	})
}

func outputs(r *rig[float32]) [][]float64 {
	var all [][]float64
	for i := range r.out {
		y := make([]float64, len(r.out[i].data()))
		for j, x := range r.out[i].data() {
			y[j] = float64(x)
		}
		all = append(all, y)
	}
	return all
}

// difference is the largest difference of two lists, relative to the largest
// value or one; NaN where either holds one.
func difference(a, b []float64) float64 {
	var d, size float64 = 0, 1
	for i := range a {
		if a[i] == b[i] {
			continue
		}
		d = max(d, math.Abs(a[i]-b[i]))
		size = max(size, math.Abs(b[i]))
	}
	return d / size
}

// TestNoGarbage runs every phase again and again and counts allocations.
func TestNoGarbage(t *testing.T) {
	if racing {
		t.Skip("the race detector allocates")
	}
	eachCase(t, func(t *testing.T, o *Op, c *Case) {
		r := newRig[float32](t, o, c, oneSlice)
		r.forward()
		ahead, f := r.frame(0, 0, samples, true, true, false), r.frame(0, 0, samples, true, true, true)
		for j, x := range directions(r, 13) {
			for i := range x {
				r.dout[j].data()[i] = float32(x[i])
			}
		}
		for i, phase := range r.k.Forward {
			if n := testing.AllocsPerRun(5, func() { phase(ahead) }); n != 0 {
				t.Errorf("forward phase %d allocates %v times", i, n)
			}
		}
		if c.ForwardOnly {
			return
		}
		for i, phase := range r.k.Backward {
			if n := testing.AllocsPerRun(5, func() { phase(f) }); n != 0 {
				t.Errorf("backward phase %d allocates %v times", i, n)
			}
		}
	})
}

// TestUnwantedGradients runs Backward with one gradient wanted at a time, and
// expects the same numbers.
func TestUnwantedGradients(t *testing.T) {
	eachCase(t, func(t *testing.T, o *Op, c *Case) {
		if c.ForwardOnly {
			return
		}
		full := newRig[float64](t, o, c, unevenParts)
		full.forward()
		v := directions(full, 14)
		want := full.backward(v, 0)
		for i := range want {
			if want[i] == nil {
				continue
			}
			n := nodeOf(o, c, len(unevenParts))
			for j := range n.In {
				n.In[j].Grad = j == i
			}
			r := bindRig[float64](t, o, c, n, unevenParts)
			r.forward()
			got := r.backward(v, 0)
			if d := difference(got[i], want[i]); d != 0 {
				t.Errorf("gradient %d differs by %g when it is the only one wanted", i, d)
			}
		}
	})
}

// TestAgain runs a kernel twice, on two shards beside each other, and expects the
// same bits: nothing of a run may reach the next but what State names.
func TestAgain(t *testing.T) {
	eachCase(t, func(t *testing.T, o *Op, c *Case) {
		r := newRig[float32](t, o, c, unevenParts)
		v := directions(r, 15)
		var want, grads [][]float64
		for run := range 2 {
			r.reset()
			r.forward()
			got := outputs(r)
			var g [][]float64
			if !c.ForwardOnly {
				g = r.backward(v, 0)
			}
			if run == 0 {
				want, grads = got, g
				continue
			}
			for i := range got {
				if d := difference(got[i], want[i]); d != 0 {
					t.Errorf("output %d differs by %g in the second run", i, d)
				}
			}
			for i := range g {
				if d := difference(g[i], grads[i]); d != 0 {
					t.Errorf("gradient %d differs by %g in the second run", i, d)
				}
			}
		}
	})
}

// TestFresh runs Backward where gradients that it can set are undefined, and expects
// what it adds to zeros.
func TestFresh(t *testing.T) {
	eachCase(t, func(t *testing.T, o *Op, c *Case) {
		if c.ForwardOnly {
			return
		}
		for _, how := range []cut{sampleWise, unevenParts} {
			r := newRig[float32](t, o, c, how)
			if len(r.k.Sets) == 0 {
				return
			}
			v := directions(r, 16)
			r.forward()
			want := r.backward(v, 0)
			r.reset()
			r.fresh = true
			r.forward()
			for i, g := range r.backward(v, 0) {
				if d := difference(g, want[i]); d != 0 {
					t.Errorf("gradient %d differs by %g", i, d)
				}
			}
			r.check()
		}
	})
}

// TestRecomputed computes the first output again, on slices of the samples, from input
// 0 alone of those that differ between samples.
func TestRecomputed(t *testing.T) {
	eachCase(t, func(t *testing.T, o *Op, c *Case) {
		r := newRig[float32](t, o, c, unevenParts)
		if r.k.Again == nil {
			return
		}
		if !contains(r.k.ReadsIn, 0) {
			t.Fatal("input 0 is not kept")
		}
		r.forward()
		want := outputs(r)[0]
		states := make([][]float64, len(r.in))
		for i := range r.in {
			states[i] = widen(r.in[i].data())
			if i > 0 && r.node.In[i].Batched {
				kernel.Fill(r.in[i].data(), float32(math.NaN()))
			}
		}
		kernel.Fill(r.out[0].data(), float32(math.NaN()))
		outPhase := r.k.OutPhase
		r.k.OutPhase = 0
		r.run([]Phase[float32]{r.k.Again}, false)
		r.k.OutPhase = outPhase
		if d := difference(outputs(r)[0], want); d != 0 {
			t.Errorf("the output differs by %g", d)
		}
		for i := range r.in {
			if !r.node.In[i].Batched && difference(widen(r.in[i].data()), states[i]) != 0 {
				t.Errorf("input %d has changed", i)
			}
		}
	})
}
