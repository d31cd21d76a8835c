// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
	"github.com/kdcompress/kdcompress/student/engine"
)

const fixed = "fixed."

// TestFakeIsWhatItStandsFor: untrained, the model for training answers as the
// integer model does, and that can be had from it.
func TestFakeIsWhatItStandsFor(t *testing.T) {
	library(t)
	for _, c := range nets {
		if c.opset < perChannel {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			f := samples(model(c.name), 4, 8)
			p, o := planned(t, model(c.name), f)
			fake, err := p.FakeQuantized(o, plainOptions, fixed)
			if err != nil {
				t.Fatal(err)
			}
			q, err := p.Static(o, plainOptions)
			if err != nil {
				t.Fatal(err)
			}
			from, err := fake.Integers()
			if err != nil {
				t.Fatal(err)
			}
			want := outputs(t, q.Model, f, ort.Options{NoOptimise: true})
			if e := noise(want, outputs(t, fake.Model, f, ort.Options{NoOptimise: true})); e > 2e-4 {
				t.Errorf("the model for training differs by %g", e)
			}
			if e := noise(want, outputs(t, from.Model, f, ort.Options{NoOptimise: true})); e > 1e-9 {
				t.Errorf("the integers made of it differ by %g", e)
			}
			fused, err := Fused(encoded(t, from.Model))
			if err != nil || fused.Integer != len(p.Layers) || len(fused.Stray) > 0 {
				t.Errorf("%+v, %v", fused, err)
			}
		})
	}
}

// TestLearnedSteps holds the gradient of a tensor's step, as the engine computes it,
// against the formula of LSQ.
func TestLearnedSteps(t *testing.T) {
	g := &onnx.Graph{Name: "lsq"}
	b := onnx.NewBuilder(g, "")
	const n, in, out = 16, 6, 2
	x := b.Input("x", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(in))
	r := rand.New(rand.NewPCG(3, 4))
	w := make([]float32, in*out)
	for i := range w {
		w[i] = float32(r.NormFloat64())
	}
	b.Output(b.Op("MatMul", []string{x, b.Float32("w", []int64{in, out}, w)}), onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(out))
	m := &onnx.Model{IRVersion: 8, Opsets: []onnx.Opset{{Version: 13}}, Graph: g}
	p, err := NewPlan(m, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := &Histogram{}
	h.Add([]float32{-1, 1.5}) // what comes is wider: some is clipped
	o := &Observation{Tensors: map[string]*Histogram{"x": h}}
	fake, err := p.FakeQuantized(o, plainOptions, fixed)
	if err != nil {
		t.Fatal(err)
	}
	y := fake.Model.Graph.Outputs[0].Name
	fb := onnx.NewBuilder(fake.Model.Graph, "loss.")
	loss := fb.Op("ReduceSum", []string{y, fb.Int64("axes", []int64{1}, []int64{1})}, onnx.Int("keepdims", 0))
	params, err := engine.NewParams[float64](fake.Model.Graph, func(name string) bool { return strings.HasPrefix(name, fixed) })
	if err != nil {
		t.Fatal(err)
	}
	plan, err := engine.Compile(fake.Model.Graph, params, engine.Options{Batch: n, Opset: 13, Training: true, Losses: []string{loss}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range plan.Input("x") {
		plan.Input("x")[i] = r.NormFloat64()
	}
	if err := plan.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	grad := func(name string) []float64 {
		for _, q := range params.List {
			if q.Name == name {
				return params.Grad[q.Off : q.Off+q.Len]
			}
		}
		t.Fatalf("%s is not trained", name)
		return nil
	}
	// round and its derivative by the step, times the step.
	step := func(v, s, zero, lo, hi float64) (q, d float64) {
		q = math.RoundToEven(v/s) + zero
		if q < lo || q > hi {
			q = min(max(q, lo), hi) - zero
			return q * s, q * s
		}
		q -= zero
		return q * s, (q - v/s) * s
	}
	xs := fake.tensors["x"]
	s, zero := float64(xs.steps[0]), math.RoundToEven(1/float64(xs.steps[0]))
	ws := fake.weights["w"]
	var want float64
	wantW := make([]float64, out)
	for i := range n {
		for j := range in {
			qx, dx := step(plan.Input("x")[i*in+j], s, zero, 0, 255)
			for k := range out {
				qw, dw := step(float64(w[j*out+k]), float64(ws.steps[k]), 0, -127, 127)
				want += dx * qw / n
				wantW[k] += qx * dw / n
			}
		}
	}
	if got := grad(xs.gain)[0]; math.Abs(got-want) > 1e-4*math.Abs(want) {
		t.Errorf("gradient of the activation's step %g, want %g", got, want)
	}
	for k, got := range grad(ws.gain) {
		if math.Abs(got-wantW[k]) > 1e-3*math.Abs(wantW[k])+1e-4 {
			t.Errorf("gradient of the step of channel %d %g, want %g", k, got, wantW[k])
		}
	}
}
