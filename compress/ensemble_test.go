// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

// TestEnsembleMean compares with the weighted mean of probabilities.
func TestEnsembleMean(t *testing.T) {
	e := &ensemble{logs: []float64{math.Log(0.25), math.Log(0.75)}}
	rows := [][]float32{{2, 0, -1}, {-500, 1, 1}}
	got := make([]float32, 3)
	e.mean(got, rows)
	p := func(z []float32, c int) float64 {
		var sum float64
		for _, v := range z {
			sum += math.Exp(float64(v))
		}
		return math.Exp(float64(z[c])) / sum
	}
	for c, z := range got {
		want := 0.25*p(rows[0], c) + 0.75*p(rows[1], c)
		if math.Abs(math.Exp(float64(z))-want) > 1e-6 {
			t.Errorf("class %d: probability %g, want %g", c, math.Exp(float64(z)), want)
		}
	}
}

// TestSeveralTeachers distils two, the second with a fixed batch. Both are named in
// the job, and answers of one alone do not serve.
func TestSeveralTeachers(t *testing.T) {
	c := tiny(t)
	run(t, c)
	first := read(t, c.Out, "student.onnx")
	two := c
	two.More, two.Weights = []string{save(t, secondTeacher())}, []float64{2, 1}
	two.Targets = c.Out + "/targets"
	two.Out = t.TempDir()
	run(t, two)
	if slices.Equal(read(t, two.Out, "student.onnx"), first) {
		t.Error("a second teacher changes nothing")
	}
	job, err := ReadJob(two.Out + "/job.yaml")
	if err != nil || !slices.Equal(job.More, two.More) || !slices.Equal(job.Weights, two.Weights) {
		t.Errorf("the job names %v %v (%v)", job.More, job.Weights, err)
	}
	for _, tc := range []struct {
		change func(c *Config)
		want   string
	}{
		{func(c *Config) { c.Weights = []float64{1} }, "1 weights for 2 teachers"},
		{func(c *Config) { c.Weights = []float64{1, 0} }, "must be above 0"},
		{func(c *Config) { c.Feature = []string{"fitnet"} }, "losses on their answers alone"},
		{func(c *Config) { c.Weights, c.More = nil, []string{save(t, pictureTeacher(anyBatch))} }, "declares"},
	} {
		bad := two
		bad.Out = t.TempDir()
		tc.change(&bad)
		_, err := Run(context.Background(), bad, nil)
		if err == nil {
			t.Errorf("accepted, want %q", tc.want)
		}
	}
}

// secondTeacher is another perceptron than toyTeacher, without a softmax.
func secondTeacher() *onnx.Model {
	m := toyTeacher(onnx.Fixed(1), func(_ *onnx.Builder, z string) *onnx.Value {
		return onnx.NewValue(z, onnx.Float32, onnx.Fixed(1), onnx.Fixed(classes))
	})
	for _, x := range m.Graph.Initializers {
		v, err := onnx.Values[float32](x)
		if err != nil {
			panic(err)
		}
		slices.Reverse(v)
		x.Data = onnx.FloatData(x.Type, v)
	}
	return m
}

// TestRecipes names the augmentation that suits a sample.
func TestRecipes(t *testing.T) {
	for _, c := range []struct {
		dims  []int
		mixup bool
		want  string
	}{
		{[]int{1, 28, 28}, false, "crop:3"},
		{[]int{3, 32, 32}, true, "crop:4,flip,mixup"},
		{[]int{32, 32, 3}, false, "crop:4,flip"},
		{[]int{2, 400}, false, "shift:40"},
		{[]int{42}, false, ""},
		{[]int{42}, true, "mixup"},
	} {
		if got := suited(c.dims, c.mixup); got != c.want {
			t.Errorf("%v: %q, want %q", c.dims, got, c.want)
		}
	}
	c := tiny(t)
	c.Recipe, c.Epochs = "patient", 2
	c.Views = 1
	run(t, c)
	first := read(t, c.Out, "student.onnx")
	job, err := ReadJob(c.Out + "/job.yaml")
	if err != nil || job.Augment != "mixup" {
		t.Fatalf("the job augments with %q (%v)", job.Augment, err)
	}
	// The answers kept serve another run into another folder.
	job.Targets, job.Out = c.Out+"/targets", t.TempDir()
	run(t, job)
	if !slices.Equal(read(t, job.Out, "student.onnx"), first) {
		t.Error("a run from kept answers gives another student")
	}
}
