// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/onnx"
)

// Four samples pick rows of W, so that every answer is known by hand.
var corners = []float32{1, 0, 0, 1, 2, 0, 0, 3}

func TestCompareByHand(t *testing.T) {
	library(t)
	n := onnx.Symbolic("n")
	// Logits of the samples: (2,0,0) (0,2,0) (4,0,0) (0,6,0).
	teacher := []float32{2, 0, 0, 0, 2, 0}
	// (2,0,0) (0,0,2) (4,0,0) (0,0,6): the second and the fourth differ.
	other := []float32{2, 0, 0, 0, 0, 2}
	z2 := math.Exp(2) + 2
	z6 := math.Exp(6) + 2
	kl2, kl6 := 2*(math.Exp(2)-1)/z2, 6*(math.Exp(6)-1)/z6
	labels := []int64{0, 1, 1, 2}
	for _, c := range []struct {
		name             string
		teacher, student *onnx.Model
		ts, ss           Scores
		batch            int
		agreement        float64
		kl               *float64
		worst            []int
	}{
		{"equal", linear(n, "", teacher...), linear(n, "", teacher...), Logits, Logits, 3, 1, new(float64), nil},
		{"two of four", linear(n, "", teacher...), linear(n, "", other...), Logits, Logits, 3, 0.5, ptr((kl2 + kl6) / 4), []int{3, 1}},
		{"softmax against logits", linear(n, "Softmax", teacher...), linear(n, "", other...), Probabilities, Logits, 3, 0.5, ptr((kl2 + kl6) / 4), []int{3, 1}},
		{"log softmax", linear(n, "LogSoftmax", teacher...), linear(n, "LogSoftmax", other...), Logits, Logits, 1, 0.5, ptr((kl2 + kl6) / 4), []int{3, 1}},
		{"batch fixed to one", linear(onnx.Fixed(1), "", teacher...), linear(n, "", other...), Logits, Logits, 4, 0.5, ptr((kl2 + kl6) / 4), []int{3, 1}},
		{"batch fixed to three", linear(onnx.Fixed(3), "", teacher...), linear(n, "", other...), Logits, Logits, 2, 0.5, ptr((kl2 + kl6) / 4), []int{3, 1}},
		{"class ids", linear(n, "ArgMax", teacher...), linear(n, "ArgMax", other...), ClassIDs, ClassIDs, 3, 0.5, nil, []int{1, 3}},
		{"class ids against logits", linear(n, "ArgMax", teacher...), linear(n, "", other...), ClassIDs, Logits, 3, 0.5, nil, []int{1, 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, side := range []struct {
				model *onnx.Model
				want  Scores
			}{{c.teacher, c.ts}, {c.student, c.ss}} {
				if got, err := ScoresOf(side.model, ""); err != nil || got != side.want {
					t.Errorf("ScoresOf = %v, %v, want %v", got, err, side.want)
				}
			}
			set := points(t, corners, labels)
			f, acc, err := Compare(context.Background(), CompareConfig{
				Teacher: Side{Path: "t.onnx", Model: file(t, c.teacher), Scores: c.ts},
				Student: Side{Path: "s.onnx", Model: file(t, c.student), Scores: c.ss},
				Set:     set, Name: "corners", Batch: c.batch, Workers: 2,
			})
			if err != nil {
				t.Fatal(err)
			}
			if f.Agreement != c.agreement || f.Samples != 4 || f.Answers != 4 || f.NonFinite != 0 {
				t.Errorf("fidelity %+v", f)
			}
			if (f.KL == nil) != (c.kl == nil) || (f.KL != nil && math.Abs(*f.KL-*c.kl) > 1e-6) {
				t.Errorf("KL %s, want %s", nats(f.KL), nats(c.kl))
			}
			var names []string
			for _, i := range c.worst {
				names = append(names, set.Name(i))
			}
			var got []string
			for _, w := range f.Worst {
				got = append(got, w.Name)
				if w.Teacher != 1 || w.Student != 2 {
					t.Errorf("worst input %+v", w)
				}
			}
			if !slices.Equal(got, names) {
				t.Errorf("worst inputs %q, want %q", got, names)
			}
			if len(c.worst) > 0 && !slices.Equal(f.Confusions, []Confusion{{1, 2, 2}}) {
				t.Errorf("confusions %v", f.Confusions)
			}
			// The teacher is right on samples 0 and 1, the other on 0 and 3.
			if acc == nil || acc.Teacher != 0.5 || acc.Student != 0.5 || acc.Samples != 4 {
				t.Errorf("accuracy %+v", acc)
			}
		})
	}
}

func ptr(v float64) *float64 { return &v }

func TestComparePositions(t *testing.T) {
	library(t)
	// Every sample of [2,3] answers at two positions; classes on axis 1 or 2.
	positions := func(axis int64, sign float32) *onnx.Model {
		return made(func(b *onnx.Builder) {
			n := onnx.Symbolic("n")
			x := b.Input("x", onnx.Float32, n, onnx.Fixed(2))
			shape := []int64{-1, 2, 1}
			if axis == 1 {
				shape = []int64{-1, 1, 2}
			}
			r := b.Op("Reshape", []string{x, b.Int64("shape", []int64{3}, shape)})
			classes := []int64{1, 1, 3}
			out := []onnx.Dim{n, onnx.Fixed(2), onnx.Fixed(3)}
			if axis == 1 {
				classes = []int64{1, 3, 1}
				out = []onnx.Dim{n, onnx.Fixed(3), onnx.Fixed(2)}
			}
			y := b.Op("Mul", []string{r, b.Float32("w", classes, []float32{0, 1, 2 * sign})})
			b.Output(y, onnx.Float32, out...)
		})
	}
	set := points(t, []float32{1, -1, 1, 1, -1, -1}, nil)
	for _, c := range []struct {
		name     string
		ta, sa   int
		teacher  *onnx.Model
		student  *onnx.Model
		agreed   float64
		entropic []int64
	}{
		// Class 2 where x is 1, class 0 where it is -1: three of each.
		{"last axis against itself", 0, 0, positions(2, 1), positions(2, 1), 1, []int64{3, 0, 3}},
		{"class axis in the middle", 0, 1, positions(2, 1), positions(1, 1), 1, []int64{3, 0, 3}},
		// With the sign turned x = 1 gives class 1 and x = -1 gives class 2.
		{"turned", 1, -2, positions(1, 1), positions(1, -1), 0, []int64{3, 0, 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, acc, err := Compare(context.Background(), CompareConfig{
				Teacher: Side{Model: file(t, c.teacher), Axis: c.ta}, Student: Side{Model: file(t, c.student), Axis: c.sa}, Set: set,
			})
			if err != nil {
				t.Fatal(err)
			}
			if f.Samples != 3 || f.Answers != 6 || f.Agreement != c.agreed || !slices.Equal(f.TeacherClasses.Counts, c.entropic) {
				t.Errorf("fidelity %+v, classes %+v", f, f.TeacherClasses)
			}
			if acc != nil {
				t.Errorf("accuracy %+v without labels", acc)
			}
		})
	}
}

func TestCompareCountsNonFinite(t *testing.T) {
	library(t)
	// Sample 1 reads the second row of W.
	broken := linear(onnx.Symbolic("n"), "", 2, 0, 0, float32(math.NaN()), 2, 0)
	set := points(t, []float32{1, 0, 0, 1}, nil)
	// 0 * NaN is NaN: sample 0 is lost too.
	f, _, err := Compare(context.Background(), CompareConfig{
		Teacher: Side{Model: file(t, linear(onnx.Symbolic("n"), "", 2, 0, 0, 0, 2, 0))}, Student: Side{Model: file(t, broken)}, Set: set,
	})
	if err != nil {
		t.Fatal(err)
	}
	if f.NonFinite != 2 || f.Agreement != 0 || f.KL != nil || len(f.Worst) != 2 || f.Worst[0].Student != -1 || f.Worst[0].KL != nil {
		t.Errorf("fidelity %+v", f)
	}
	r := Report{Fidelity: f}
	if _, err := r.JSON(); err != nil {
		t.Error(err)
	}
}

func TestCompareErrors(t *testing.T) {
	library(t)
	n := onnx.Symbolic("n")
	good := file(t, linear(n, "", 1, 2, 3, 4, 5, 6))
	single := file(t, made(func(b *onnx.Builder) {
		x := b.Input("x", onnx.Float32, n, onnx.Fixed(2))
		b.Output(b.Op("ReduceMean", []string{x}, onnx.Ints("axes", 1)), onnx.Float32, n, onnx.Fixed(1))
	}))
	wide := file(t, made(func(b *onnx.Builder) {
		x := b.Input("x", onnx.Float32, n, onnx.Fixed(2))
		b.Output(b.Op("Identity", []string{x}), onnx.Float32, n, onnx.Fixed(2))
	}))
	set := points(t, corners, nil)
	for _, c := range []struct {
		name    string
		student Side
		index   []int
		want    string
	}{
		{"not a model", Side{Path: "s.onnx", Model: []byte("hello")}, nil, "s.onnx"},
		{"no such output", Side{Path: "s.onnx", Model: good, Output: "z"}, nil, `no output "z"`},
		{"one number", Side{Path: "s.onnx", Model: single}, nil, "no axis of two or more classes"},
		{"other classes", Side{Path: "s.onnx", Model: wide}, nil, "the teacher answers a sample with shape [3], the student with [2]"},
		{"nothing to compare on", Side{Path: "s.onnx", Model: good}, []int{}, "there are no samples"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := Compare(context.Background(), CompareConfig{Teacher: Side{Path: "t.onnx", Model: good}, Student: c.student, Set: set, Index: c.index})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line with %q", err, c.want)
			}
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := Compare(ctx, CompareConfig{Teacher: Side{Model: good}, Student: Side{Model: good}, Set: set}); err == nil {
		t.Error("a comparison goes on after its context has ended")
	}
}

// A real teacher on real images: it agrees with itself, and its accuracy is the
// 99.16% that its origin states.
func TestCompareMNISTBurnWithItself(t *testing.T) {
	library(t)
	model := sharedTeacher(t, "mnist-burn.onnx")
	dir := mnist(t)
	set, err := data.Open(context.Background(), filepath.Join(dir, "t10k-images-idx3-ubyte.gz"),
		[]data.Want{{Name: "input.1", Dims: []int{1, 28, 28}, Type: onnx.Float32}},
		data.Options{Mean: []float64{0.1307}, Std: []float64{0.3081}, Labels: filepath.Join(dir, "t10k-labels-idx1-ubyte.gz")})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	side := Side{Path: "mnist-burn.onnx", Model: model}
	f, acc, err := Compare(context.Background(), CompareConfig{Teacher: side, Student: side, Set: set, Name: "MNIST test", Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	if f.Samples != 10000 || f.Agreement != 1 || f.KL == nil || *f.KL != 0 || len(f.Worst) != 0 || len(f.Confusions) != 0 || *f.MaxAbsDiff != 0 {
		t.Errorf("fidelity to itself %+v", f)
	}
	if f.TeacherClasses.Entropy < 0.99 {
		t.Errorf("classes %+v", f.TeacherClasses)
	}
	if acc == nil || math.Abs(acc.Teacher-0.9916) > 0.0005 || acc.Teacher != acc.Student {
		t.Errorf("accuracy %+v, stated 0.9916", acc)
	}
}
