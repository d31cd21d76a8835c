// SPDX-License-Identifier: Apache-2.0

package distill

import (
	"context"
	"math"
	"testing"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/compress/loss"
	"github.com/kdcompress/kdcompress/compress/target"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student"
)

// headed is a training of a student with two tensors: scores of three classes at
// four positions, the classes before the positions, and two numbers of very
// different units. The answers are linear in the sample, so they can be learned.
func headed(t *testing.T, raw bool) Config {
	t.Helper()
	set := open(t, rows(), ascending(samples), nil)
	const n = height * width
	weight := func(i, j int) float32 { return float32(math.Sin(float64(7*i + 3*j))) }
	layouts := []target.Layout{{Outer: 1, Classes: 3, Inner: 4}, {Outer: 1, Classes: 2, Inner: 1}}
	answers := target.New(target.Identity{Teacher: "toy", Output: "two", Preprocessing: set.Digest()}, []int{14})
	x, z, row := make([]float32, n), make([]float32, 14), make([]float32, 14)
	for i := range set.Len() {
		if err := set.Batch(0, []int{i}, x); err != nil {
			t.Fatal(err)
		}
		for k := range z {
			z[k] = 0
			for j, v := range x {
				z[k] += weight(k, j) * v / 4
			}
		}
		layouts[0].Rows(row, z[:12])
		row[12], row[13] = 1000+50*z[12], 0.01*z[13]
		answers.Add(set.Key(i), row)
	}
	b := onnx.NewBuilder(&onnx.Graph{Name: "student"}, "")
	in := b.Input("x", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(height), onnx.Fixed(width))
	flat := b.Op("Flatten", []string{in})
	linear := func(out int64) string {
		return b.Op("Gemm", []string{flat, b.Float32("w", []int64{n, out}, make([]float32, n*out)), b.Float32("b", []int64{out}, make([]float32, out))})
	}
	classes := b.Op("Reshape", []string{linear(12), b.Int64("shape", []int64{4}, []int64{-1, 3, 2, 2})})
	numbers := linear(2)
	if raw {
		numbers = b.Op("Add", []string{b.Op("Mul", []string{numbers, b.Float32("fifty", nil, []float32{50})}), b.Float32("offset", nil, []float32{1000})})
	}
	b.Output(classes, onnx.Float32)
	b.Output(numbers, onnx.Float32)
	m := &onnx.Model{IRVersion: 7, Opsets: []onnx.Opset{{Version: 13}}, Graph: b.G}
	train, held := data.Split(samples, 0.25, 1)
	heads := []Head{
		{Tensor: classes, Layout: layouts[0], Kind: loss.ClassScores, Terms: []loss.Term{term(t, "kd", 1, map[string]float64{"temperature": 1})}},
		{Tensor: numbers, Layout: layouts[1], Kind: loss.Numbers, Terms: []loss.Term{term(t, "mse", 1, nil)},
			Scale: []float32{50, 0.01}, Shift: []float32{1000, 0}, Raw: raw},
	}
	return Config{Student: &student.Student{Model: m, Logits: classes}, Heads: heads, Set: set, Answers: answers, Train: train, Held: held,
		Epochs: 60, Batch: 32, Rate: 0.02, Warmup: 0.1, Clip: 1, Seed: 1, Shards: 2}
}

// TestHeads learns two linear answers with linear layers, so both come out right.
func TestHeads(t *testing.T) {
	c := headed(t, false)
	r, err := Train(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	if best := r.Curve[r.Best-1]; best.Agreement < 0.97 || best.KL > 0.02 {
		t.Errorf("agreement %.4f, divergence %.4f", best.Agreement, best.KL)
	}
}

// TestRawHead standardises a student that answers in the teacher's units: its
// loss is the same as that of one that leaves the units to constants behind it.
func TestRawHead(t *testing.T) {
	var first [2]float64
	for i, raw := range []bool{false, true} {
		c := headed(t, raw)
		c.Epochs = 1
		if raw { // one unit for both numbers, as the student has it
			c.Heads[1].Scale, c.Heads[1].Shift = []float32{50}, []float32{1000}
		} else {
			c.Heads[1].Scale, c.Heads[1].Shift = []float32{50, 50}, []float32{1000, 1000}
		}
		r, err := Train(context.Background(), c)
		if err != nil {
			t.Fatal(err)
		}
		first[i] = r.Curve[0].Loss
	}
	if math.Abs(first[0]-first[1]) > 1e-3*first[0] {
		t.Errorf("losses %g and %g", first[0], first[1])
	}
}

func TestHeadsRefused(t *testing.T) {
	c := headed(t, false)
	c.Heads = c.Heads[:1]
	_, err := Train(context.Background(), c)
	if err == nil || err.Error() != "14 answers a sample are stored and 12 are learned" {
		t.Errorf("error %v", err)
	}
}

// TestTally compares single answers by hand.
func TestTally(t *testing.T) {
	for _, c := range []struct {
		kind             loss.Answer
		student, teacher []float32
		score, away      float64
	}{
		{loss.ClassScores, []float32{1, 0}, []float32{1, 0}, 1, 0},
		{loss.ClassScores, []float32{0, 1}, []float32{1, 0}, 0, 0.4621171573},
		{loss.LabelScores, []float32{2, -1}, []float32{-2, -1}, 0.5, 1.5231883119},
		{loss.Numbers, []float32{1, 2}, []float32{0, 2}, 0.5, 0.5},
		{loss.Vectors, []float32{3, 0}, []float32{1, 1}, math.Sqrt2 / 2, 2.5},
	} {
		var got tally
		got.add(c.kind, c.student, c.teacher)
		if math.Abs(got.score-c.score) > 1e-9 || math.Abs(got.away-c.away) > 1e-9 {
			t.Errorf("%v: score %.10f, divergence %.10f, want %.10f and %.10f", c.kind, got.score, got.away, c.score, c.away)
		}
	}
}
