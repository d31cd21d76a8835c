// SPDX-License-Identifier: Apache-2.0

package loss

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/engine"
)

// bench holds one loss on a batch of logits: the student's logits are inputs
// plus a trainable offset of zero, so that the offset's gradient, summed over
// the batch, and the plan's loss can be read.
type bench struct {
	plan   *engine.Plan[float64]
	params *engine.Params[float64]
	batch  int
	width  int
}

func newBench(t *testing.T, term Term, batch, width int) *bench {
	t.Helper()
	g := &onnx.Graph{Name: "loss"}
	b := onnx.NewBuilder(g, "")
	dims := []onnx.Dim{onnx.Symbolic("N"), onnx.Fixed(int64(width))}
	s := b.Input("s", onnx.Float32, dims...)
	targets := map[Target]string{TeacherLogits: b.Input("t", onnx.Float32, dims...), TeacherChoice: b.Input("hot", onnx.Float32, dims...)}
	targets[Labels] = targets[TeacherChoice]
	z := b.Op("Add", []string{s, b.Float32("offset", []int64{int64(width)}, make([]float32, width))})
	params, err := engine.NewParams[float64](g, nil)
	if err != nil {
		t.Fatal(err)
	}
	losses := term.Append(b, 13, width, z, func(k Target) string { return targets[k] })
	plan, err := engine.Compile(g, params, engine.Options{Batch: batch, Opset: 13, Losses: losses})
	if err != nil {
		t.Fatal(err)
	}
	return &bench{plan, params, batch, width}
}

func (b *bench) run(t *testing.T, s, target func(i, c int) float64) float64 {
	t.Helper()
	clear(b.plan.Input("hot"))
	for i := range b.batch {
		best := 0
		for c := range b.width {
			b.plan.Input("s")[i*b.width+c] = s(i, c)
			b.plan.Input("t")[i*b.width+c] = target(i, c)
			if target(i, c) > target(i, best) {
				best = c
			}
		}
		b.plan.Input("hot")[i*b.width+best] = 1
	}
	if err := b.plan.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	return b.plan.Loss()
}

// student and teacher are the logits of the oracle values.
func student(b, c int) float64 { return float64((7*b+3*c)%11)/3 - 1 }
func teacher(b, c int) float64 { return float64((5*b+4*c)%13)/4 - 1 }

// oracles are values that a plain port of the published formulas and PyTorch
// 1.13 in float64 agree on to every digit given.
var oracles = []struct {
	loss   string
	values map[string]float64
	want   float64
}{
	{"kd", map[string]float64{"temperature": 1}, 0.623733301},
	{"kd", map[string]float64{"temperature": 4}, 0.735000362},
	{"kd", map[string]float64{"temperature": 20}, 0.738824646},
	{"kd-std", map[string]float64{"temperature": 2}, 0.584479749},
	{"dkd", map[string]float64{"temperature": 4, "beta": 0}, 0.190270771},
	{"dkd", map[string]float64{"temperature": 4, "alpha": 0, "beta": 1}, 0.744670983},
	{"dkd", map[string]float64{"beta": 8}, 6.14763864},
	{"dist", map[string]float64{"temperature": 1, "gamma": 0}, 0.731661789},
	{"dist", map[string]float64{"temperature": 1, "beta": 0}, 0.697542901},
	{"dist", nil, 11.9309969 + 12.4619401},
	{"mse-logits", nil, 1.725},
	{"mse", nil, 1.725},
	{"huber", nil, 0.668229167},
	{"huber", map[string]float64{"delta": 0.5}, 0.425173611},
	{"cosine", nil, 0.685399029},
	{"bce", nil, 0.944055417},
	{"bce", map[string]float64{"temperature": 2}, 1.03850566},
}

// crossEntropies are the losses that are not 0 where the student agrees; the
// gradient test and PyTorch's values cover them.
var crossEntropies = map[string]bool{"ce": true, "hard": true, "nkd": true}

func TestOracleValues(t *testing.T) {
	seen := map[string]bool{}
	for _, o := range oracles {
		seen[o.loss] = true
		term, err := NewTerm(o.loss, 1, o.values)
		if err != nil {
			t.Fatal(err)
		}
		// Numbers such as 1/T are held as float32, and the guards against division
		// by zero differ from the authors' in the seventh digit.
		if got := newBench(t, term, 4, 5).run(t, student, teacher); math.Abs(got-o.want) > 5e-7*(1+o.want) {
			t.Errorf("%s %v: %.9f, want %.9f", o.loss, o.values, got, o.want)
		}
	}
	for _, l := range All() {
		if l.Family == Response && !crossEntropies[l.Name] && !seen[l.Name] {
			t.Errorf("loss %s has no oracle value", l.Name)
		}
	}
}

// TestGradientOracle holds the first row of the gradient of kd at temperature 4
// against the published formula's, T/N * (p_s - p_t).
func TestGradientOracle(t *testing.T) {
	want := []float64{0.00230433423, 0.00295882372, 0.00379920486, 0.00487827561, -0.0139406384}
	term, err := NewTerm("kd", 1, map[string]float64{"temperature": 4})
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, term, 4, 5)
	// Rows after the first agree with the teacher and have no gradient.
	b.run(t, func(i, c int) float64 {
		if i > 0 {
			return teacher(i, c)
		}
		return student(i, c)
	}, teacher)
	for c, w := range want {
		if math.Abs(b.params.Grad[c]-w) > 1e-9 {
			t.Errorf("class %d: gradient %.11f, want %.11f", c, b.params.Grad[c], w)
		}
	}
}

// TestEveryLoss checks what all losses promise, at several temperatures and for
// extreme logits.
func TestEveryLoss(t *testing.T) {
	for _, l := range All() {
		if l.Family != Response {
			continue
		}
		t.Run(l.Name, func(t *testing.T) {
			settings := []map[string]float64{nil}
			for _, p := range l.Params {
				if p.Name == "temperature" {
					for _, T := range []float64{1, 2.5, 20} {
						settings = append(settings, map[string]float64{"temperature": T})
					}
				}
			}
			for _, v := range settings {
				term, err := NewTerm(l.Name, 0.7, v)
				if err != nil {
					t.Fatal(err)
				}
				b := newBench(t, term, 3, 4)
				b.gradient(t)
				if got := b.run(t, teacher, teacher); !crossEntropies[l.Name] && math.Abs(got) > 1e-7 {
					t.Errorf("%v: %g where student and teacher agree", v, got)
				}
				for _, size := range []float64{1e-6, 80, 3000} {
					s := func(i, c int) float64 { return size * student(i, c) }
					if got := b.run(t, s, teacher); math.IsNaN(got) || math.IsInf(got, 0) || got < -1e-9 {
						t.Errorf("%v: %g for logits times %g", v, got, size)
					}
				}
			}
		})
	}
}

// gradient compares the offset's gradient with central differences.
func (b *bench) gradient(t *testing.T) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	s := make([]float64, b.batch*b.width)
	z := make([]float64, len(s))
	for i := range s {
		s[i], z[i] = 3*r.NormFloat64(), 3*r.NormFloat64()
	}
	at := func(i, c int) float64 { return s[i*b.width+c] }
	target := func(i, c int) float64 { return z[i*b.width+c] }
	b.run(t, at, target)
	for c := range b.width {
		got := b.params.Grad[c]
		const h = 1e-5
		step := func(d float64) float64 {
			return b.run(t, func(i, k int) float64 {
				if k == c {
					return at(i, k) + d
				}
				return at(i, k)
			}, target)
		}
		want := (step(h) - step(-h)) / (2 * h)
		b.run(t, at, target)
		if math.Abs(got-want) > 1e-7*(1+math.Abs(want)) {
			t.Errorf("class %d: gradient %g, differences give %g", c, got, want)
		}
	}
}

func TestTermRefusals(t *testing.T) {
	for name, f := range map[string]func() (Term, error){
		"unknown loss":      func() (Term, error) { return NewTerm("nope", 1, nil) },
		"unknown parameter": func() (Term, error) { return NewTerm("kd", 1, map[string]float64{"warmth": 1}) },
		"out of range":      func() (Term, error) { return NewTerm("kd", 1, map[string]float64{"temperature": 0}) },
		"not a number":      func() (Term, error) { return NewTerm("kd", math.NaN(), nil) },
		"weight zero":       func() (Term, error) { return NewTerm("kd", 0, nil) },
	} {
		if _, err := f(); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}
