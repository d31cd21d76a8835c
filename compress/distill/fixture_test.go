// SPDX-License-Identifier: Apache-2.0

package distill

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/compress/loss"
	"github.com/kdcompress/kdcompress/compress/target"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
	"github.com/kdcompress/kdcompress/student"
)

const (
	samples = 600
	height  = 3
	width   = 4
	classes = 3
)

// rows are the samples of every test.
func rows() []float32 {
	r := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, samples*height*width)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// teacher is what the students learn: a fixed linear map of a sample.
func teacher(x []float32) []float32 {
	z := make([]float32, classes)
	for c := range z {
		for i, v := range x {
			z[c] += v * float32((i*(c+2)+3*c)%7-3) / 2
		}
	}
	return z
}

func best(z []float32) int { return target.Choice(z) }

// open writes rows in the given order to an .npy file and opens it. labels may be
// nil; it is indexed by the original order.
func open(t *testing.T, x []float32, order []int, labels []int64) *data.Set {
	t.Helper()
	dir := t.TempDir()
	per := height * width
	var all []float32
	var classes []int64
	for _, i := range order {
		all = append(all, x[i*per:(i+1)*per]...)
		if labels != nil {
			classes = append(classes, labels[i])
		}
	}
	path := filepath.Join(dir, "x.npy")
	write(t, path, []int{len(order), height, width}, all)
	var o data.Options
	if labels != nil {
		o.Labels = filepath.Join(dir, "labels.npy")
		write(t, o.Labels, []int{len(order)}, classes)
	}
	s, err := data.Open(context.Background(), path, []data.Want{{Name: "x", Dims: []int{height, width}, Type: onnx.Float32}}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func write[T float32 | int64](t *testing.T, path string, dims []int, v []T) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := data.WriteNPY(f, dims, v); err != nil {
		t.Fatal(err)
	}
}

// ask lets the teacher answer all samples of a set.
func ask(t *testing.T, s *data.Set) *target.Answers {
	t.Helper()
	a := target.New(target.Identity{Teacher: "toy", Output: "logits", Preprocessing: s.Digest()}, []int{classes})
	x := make([]float32, height*width)
	for i := range s.Len() {
		if err := s.Batch(0, []int{i}, x); err != nil {
			t.Fatal(err)
		}
		a.Add(s.Key(i), teacher(x))
	}
	return a
}

// newStudent builds a student for the toy teacher.
func newStudent(t *testing.T, spec string) *student.Student {
	t.Helper()
	b := onnx.NewBuilder(&onnx.Graph{Name: "teacher"}, "")
	x := b.Input("x", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(height), onnx.Fixed(width))
	z := b.Op("Gemm", []string{b.Op("Flatten", []string{x}), b.Float32("w", []int64{height * width, classes}, make([]float32, height*width*classes))})
	b.Output(b.Op("Softmax", []string{z}, onnx.Int("axis", 1)), onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(classes))
	m := &onnx.Model{IRVersion: 7, Opsets: []onnx.Opset{{Version: 13}}, Graph: b.G}
	k, err := rewrite.FindKnowledge(m, "")
	if err != nil {
		t.Fatal(err)
	}
	p, err := student.ParseSpec(spec)
	if err != nil {
		t.Fatal(err)
	}
	s, err := student.Build(student.Signature{Teacher: m, Knowledge: k, Inputs: [][]int{{height, width}}, Logits: []int{classes}}, p, 1)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func term(t *testing.T, name string, weight float64, values map[string]float64) loss.Term {
	t.Helper()
	x, err := loss.NewTerm(name, weight, values)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// config is a training that works: a perceptron on the answers to all samples.
func config(t *testing.T) Config {
	t.Helper()
	set := open(t, rows(), ascending(samples), nil)
	train, held := data.Split(samples, 0.25, 1)
	return Config{Student: newStudent(t, "mlp:width=16,depth=1"), Terms: []loss.Term{term(t, "kd", 1, map[string]float64{"temperature": 2})},
		Set: set, Answers: ask(t, set), Train: train, Held: held, Epochs: 4, Batch: 32, Rate: 0.02, Warmup: 0.1, Clip: 1, Decay: 1e-4, Seed: 1, Shards: 2}
}

func ascending(n int) []int {
	idx := make([]int, n)
	for i := range idx {
		idx[i] = i
	}
	return idx
}

// trained runs a training and returns its result and the student's bytes.
func trained(t *testing.T, c Config) (*Result, string) {
	t.Helper()
	r, err := Train(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return r, encode(t, c.Student)
}

func encode(t *testing.T, s *student.Student) string {
	t.Helper()
	b, err := s.Model.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// curveOf writes a learning curve without the time it took.
func curveOf(r *Result) string {
	curve := slices.Clone(r.Curve)
	for i := range curve {
		curve[i].Seconds = 0
	}
	return fmt.Sprint(curve, r.Best)
}
