// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"context"
	"math"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
)

// uneven is a net whose channels differ by orders of magnitude, as folding
// BatchNormalization into depthwise convolutions leaves them.
func uneven(name string) *onnx.Model {
	m := model(name)
	w := newWiring(m)
	first := true
	for _, n := range m.Graph.Nodes {
		if n.OpType != "Conv" && n.OpType != "Gemm" || !first {
			continue
		}
		first = false
		for _, at := range []int{1, 2} {
			t := w.constant(n.Inputs[at])
			v := w.float(t.Name)
			per := len(v) / int(t.Dims[0])
			for i := range v {
				v[i] *= float32(math.Pow(4, float64(i/per%5-2)))
			}
			t.Data = onnx.NewFloat32("", t.Dims, v).Data
		}
	}
	return m
}

func planned(t testing.TB, m *onnx.Model, f Feed) (*Plan, *Observation) {
	t.Helper()
	ranks, err := Ranks(context.Background(), m, f)
	if err != nil {
		t.Fatal(err)
	}
	prepared, err := Prepare(m, ranks)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPlan(prepared, nil)
	if err != nil {
		t.Fatal(err)
	}
	o, err := p.Observe(context.Background(), f)
	if err != nil {
		t.Fatal(err)
	}
	return p, o
}

var plainOptions = StaticOptions{Calibrator: LookupCalibrator("minmax"), Integers: Integers{Activation: onnx.Uint8}}

// TestEqualise: the meaning is kept, and integers hold uneven channels better.
func TestEqualise(t *testing.T) {
	library(t)
	for name, want := range map[string]int{"plain": 3, "per tensor": 2, "residual": 1, "normalised": 2} {
		t.Run(name, func(t *testing.T) {
			m := uneven(name)
			f := samples(m, 8, 16)
			p, o := planned(t, m, f)
			equal, n, err := Equalise(p.Model, o)
			if err != nil {
				t.Fatal(err)
			}
			if n != want {
				t.Errorf("%d tensors treated, want %d", n, want)
			}
			reference := outputs(t, m, f, ort.Options{})
			if e := noise(reference, outputs(t, equal, f, ort.Options{})); e > 1e-9 {
				t.Errorf("the float model changed by %g", e)
			}
			q, err := p.Static(o, plainOptions)
			if err != nil {
				t.Fatal(err)
			}
			ep, eo := planned(t, equal, f)
			eq, err := ep.Static(eo, plainOptions)
			if err != nil {
				t.Fatal(err)
			}
			before, after := noise(reference, outputs(t, q.Model, f, ort.Options{})), noise(reference, outputs(t, eq.Model, f, ort.Options{}))
			t.Logf("error %.2g, equalised %.2g", before, after)
			if after > before*0.9 {
				t.Errorf("error %g, equalised %g", before, after)
			}
		})
	}
}

// TestCorrectBias: after the correction the mean of the outputs is nearer to the
// float model's.
func TestCorrectBias(t *testing.T) {
	library(t)
	for _, name := range []string{"plain", "residual", "depthwise", "per tensor"} {
		m := model(name)
		f := samples(m, 8, 16)
		p, o := planned(t, m, f)
		q, err := p.Static(o, plainOptions)
		if err != nil {
			t.Fatal(err)
		}
		want := outputs(t, m, f, ort.Options{})
		bias := func() (sum float64) {
			got := outputs(t, q.Model, f, ort.Options{})
			for c := range 5 {
				var d float64
				for i := c; i < len(got); i += 5 {
					d += float64(got[i] - want[i])
				}
				sum += d * d
			}
			return sum
		}
		before := bias()
		if err := q.CorrectBias(context.Background(), p, f); err != nil {
			t.Fatal(err)
		}
		if after := bias(); after > before/4 {
			t.Errorf("%s: squared mean error %g, corrected %g", name, before, after)
		}
		fused, err := Fused(encoded(t, q.Model))
		if err != nil || len(fused.Stray) > 0 {
			t.Errorf("%s: stray %v, %v", name, fused.Stray, err)
		}
	}
}

// TestSensitivity: the layer whose weights are spoilt for integers comes first.
func TestSensitivity(t *testing.T) {
	library(t)
	m := model("plain")
	w := newWiring(m)
	var spoilt string
	for _, n := range m.Graph.Nodes {
		if n.OpType == "Gemm" && spoilt == "" {
			spoilt = title(n)
			v := w.float(n.Inputs[1])
			for i := 0; i < len(v); i += 576 {
				v[i] = 60 // an outlier in every row
			}
			c := w.constant(n.Inputs[1])
			c.Data = onnx.NewFloat32("", c.Dims, v).Data
		}
	}
	f := samples(m, 4, 16)
	p, o := planned(t, m, f)
	want := outputs(t, m, f, ort.Options{})
	all, err := p.Sensitivity(context.Background(), o, plainOptions, func(m *onnx.Model) (float64, error) {
		return noise(want, outputs(t, m, f, ort.Options{})), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 4 || all[0].Node != spoilt || all[0].Error < 2*all[1].Error {
		t.Errorf("%+v, want %s first", all, spoilt)
	}
}
