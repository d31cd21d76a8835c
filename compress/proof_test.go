// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"strings"
	"testing"
)

// TestControl proves a distillation against the same student trained on the
// teacher's choices, from two seeds.
func TestControl(t *testing.T) {
	c := tiny(t)
	c.Eval.Path = c.Data.Path
	c.Control, c.Seeds = true, 2
	r, _ := run(t, c)
	p := r.Report.Proof
	if p == nil || len(p.Runs) != 2 || p.Metric != "agreement" || p.Samples != samples || p.Teacher != nil {
		t.Fatalf("%+v", p)
	}
	for _, x := range p.Runs {
		for _, rate := range []float64{x.Distilled.Best, x.Distilled.Last, x.Control.Best, x.Control.Last} {
			if rate <= 0.3 || rate > 1 {
				t.Errorf("seed %d: %+v", x.Seed, x)
			}
		}
	}
	if p.Runs[0].Distilled.Best != r.Report.Fidelity.Agreement {
		t.Errorf("the deployed student agrees on %g, the first run on %g", r.Report.Fidelity.Agreement, p.Runs[0].Distilled.Best)
	}
	want := (p.Runs[0].Distilled.Best - p.Runs[0].Control.Best + p.Runs[1].Distilled.Best - p.Runs[1].Control.Best) / 2
	if d := p.Difference - want; d > 1e-12 || d < -1e-12 || p.DifferenceCI95[0] > want || p.DifferenceCI95[1] < want {
		t.Errorf("difference %g %v, want %g", p.Difference, p.DifferenceCI95, want)
	}
	var b strings.Builder
	if err := r.Report.WriteText(&b); err != nil || !strings.Contains(b.String(), "distillation brings") {
		t.Errorf("the report says nothing of the control (%v)", err)
	}
	// The first run is the one that is deployed: a job without a control gives the same.
	c.Control, c.Seeds = false, 0
	first := read(t, c.Out, "student.onnx")
	c.Out = t.TempDir()
	run(t, c)
	if string(read(t, c.Out, "student.onnx")) != string(first) {
		t.Error("a control changes the student")
	}
}

// TestFixBias fits the biases on held-out samples: the note says so, and a usage
// error what does not go together.
func TestFixBias(t *testing.T) {
	c := tiny(t)
	c.FixBias, c.Balance = true, true
	_, events := run(t, c)
	found := false
	for _, e := range events {
		found = found || strings.HasPrefix(e.Message, "class biases fitted on 80 samples")
	}
	if !found {
		t.Error("nothing is said of the biases")
	}
	for _, tc := range []struct {
		change func(c *Config)
		want   string
	}{
		{func(c *Config) { c.Seeds = 3 }, "--seeds repeats --control"},
		{func(c *Config) { c.BiasData = "x" }, "--bias-data serves --fix-bias alone"},
	} {
		c := tiny(t)
		tc.change(&c)
		_, err := Run(context.Background(), c, nil)
		oneLine(t, err, tc.want)
	}
}

// TestControlWithLabels measures accuracy and lets the control learn the labels.
func TestControlWithLabels(t *testing.T) {
	c := tiny(t)
	labels := make([]int64, samples)
	for i := range labels {
		labels[i] = int64(i % classes)
	}
	c.Data.Labels = writeNPY(t, []int{samples}, labels)
	c.Eval.Path, c.Eval.Labels = c.Data.Path, c.Data.Labels
	c.Control = true
	r, _ := run(t, c)
	p, a := r.Report.Proof, r.Report.Accuracy
	if p == nil || p.Metric != "accuracy" || p.Control != "the labels (loss ce)" || p.Teacher == nil || *p.Teacher != a.Teacher {
		t.Fatalf("%+v, accuracy %+v", p, a)
	}
	x := p.Runs[0]
	if x.Distilled.Best != a.Student || a.StudentLast == nil || x.Distilled.Last != *a.StudentLast {
		t.Errorf("%+v, accuracy %+v", x, a)
	}
	// Random labels say nothing of the inputs, so that learning them brings no more.
	if p.DifferenceCI95[0] > p.Difference || p.DifferenceCI95[1] < p.Difference {
		t.Errorf("difference %g outside %v", p.Difference, p.DifferenceCI95)
	}
}
