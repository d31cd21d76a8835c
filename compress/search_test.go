// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/compress/report"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student"
)

// wideTeacher is a teacher of rows of numbers with hidden layers of the given widths.
func wideTeacher(t testing.TB, hidden ...int) string {
	t.Helper()
	r := rand.New(rand.NewPCG(21, 22))
	b := onnx.NewBuilder(&onnx.Graph{Name: "wide"}, "")
	x, in := b.Input("x", onnx.Float32, anyBatch, onnx.Fixed(features)), features
	layer := func(out int, gain float64) {
		w := make([]float32, in*out)
		for i := range w {
			w[i] = float32(r.NormFloat64() * gain / float64(in))
		}
		x = b.Op("Gemm", []string{x, b.Float32("w", []int64{int64(in), int64(out)}, w), b.Float32("b", []int64{int64(out)}, make([]float32, out))})
		in = out
	}
	for _, n := range hidden {
		layer(n, 6)
		x = b.Op("Relu", []string{x})
	}
	layer(classes, 20)
	b.G.Outputs = []*onnx.Value{softmax(anyBatch)(b, x)}
	return save(t, &onnx.Model{IRVersion: 7, Opsets: []onnx.Opset{{Version: 13}}, Graph: b.G})
}

// auto is a run of --student auto on a teacher of 285 kB.
func auto(t testing.TB) Config {
	t.Helper()
	c := tiny(t)
	c.Teacher, c.Student = wideTeacher(t, 256, 256), "auto"
	return c
}

func chosenOne(t testing.TB, r *report.Report) report.Candidate {
	t.Helper()
	var chosen []report.Candidate
	for _, x := range r.Candidates {
		if x.Chosen {
			chosen = append(chosen, x)
		}
		if x.Why == "" {
			t.Errorf("nothing is said about %s", x.Student)
		}
	}
	if len(chosen) != 1 {
		t.Fatalf("%d candidates chosen of %+v", len(chosen), r.Candidates)
	}
	return chosen[0]
}

// TestAuto looks for a student, and looks again after an interruption in the middle
// of the search: the bytes are the same, whatever was timed.
func TestAuto(t *testing.T) {
	c := auto(t)
	r, events := run(t, c)
	best := chosenOne(t, r.Report)
	limit := r.Report.Teacher.Bytes / defaultShare
	trained, sources := 0, map[string]int{}
	for _, x := range r.Report.Candidates {
		sources[x.Source]++
		if x.Agreement != nil {
			trained++
			if x.Steps == 0 || x.LatencyMS == 0 || x.Bytes > limit {
				t.Errorf("trained without having been tried: %+v", x)
			}
		}
	}
	if trained < 3 || sources["fresh"] < 3 || sources["cut"] < 1 {
		t.Errorf("%d candidates trained, sources %v", trained, sources)
	}
	if r.Report.Student.Bytes > limit+2000 || best.Agreement == nil {
		t.Errorf("chose %+v, %d bytes for a limit of %d", best, r.Report.Student.Bytes, limit)
	}
	if count(events, "warning") != 0 {
		t.Errorf("events %+v", events)
	}
	var text bytes.Buffer
	if err := r.Report.WriteText(&text); err != nil || !strings.Contains(text.String(), "students considered") || !strings.Contains(text.String(), best.Why) {
		t.Errorf("the report says\n%s\nerror %v", text.String(), err)
	}

	// job.yaml names the student found, and gives the same bytes.
	again, err := ReadJob(filepath.Join(c.Out, "job.yaml"))
	if err != nil || again.Student != best.Student {
		t.Errorf("job.yaml has student %q, error %v", again.Student, err)
	}
	again.Out = t.TempDir()
	run(t, again)
	if !bytes.Equal(read(t, again.Out, "student.onnx"), read(t, c.Out, "student.onnx")) {
		t.Error("the job run again gives another student")
	}

	cancelled := auto(t)
	cancelled.Teacher, cancelled.Data = c.Teacher, c.Data
	ctx, cancel := context.WithCancel(context.Background())
	searching := 0
	_, err = Run(ctx, cancelled, func(e Event) {
		if e.Kind == "note" && e.Stage == "search" {
			if searching++; searching == 2 {
				cancel()
			}
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled run: %v", err)
	}
	cancelled.Resume = true
	after, _ := run(t, cancelled)
	if got := chosenOne(t, after.Report); got.Student != best.Student {
		t.Errorf("resumed, the search finds %s, before %s", got.Student, best.Student)
	}
	if !bytes.Equal(read(t, cancelled.Out, "student.onnx"), read(t, c.Out, "student.onnx")) {
		t.Error("the resumed run gives another student")
	}
	events = nil
	if _, err = Run(context.Background(), cancelled, func(e Event) { events = append(events, e) }); err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Stage == "search" {
			t.Errorf("a search that had ended begins again: %+v", e)
		}
	}
}

// TestAutoBudgets sets bounds that decide what is found.
func TestAutoBudgets(t *testing.T) {
	t.Run("a latency that no student has", func(t *testing.T) {
		c := auto(t)
		c.MaxLatency = 1e-6
		r, err := Run(context.Background(), c, nil)
		var missed *MissedError
		if !errors.As(err, &missed) || r == nil {
			t.Fatalf("error %v", err)
		}
		best := chosenOne(t, r.Report)
		for _, x := range r.Report.Candidates {
			if x.LatencyMS > 0 && x.LatencyMS < best.LatencyMS {
				t.Errorf("%s is faster than %s", x.Student, best.Student)
			}
		}
		if !strings.Contains(best.Why, "nearest") {
			t.Errorf("why: %s", best.Why)
		}
	})
	t.Run("a size that no student has", func(t *testing.T) {
		c := auto(t)
		c.MaxSize = 300
		r, err := Run(context.Background(), c, nil)
		var missed *MissedError
		if !errors.As(err, &missed) || r == nil {
			t.Fatalf("error %v", err)
		}
		best := chosenOne(t, r.Report)
		for _, x := range r.Report.Candidates {
			if x.Bytes < best.Bytes || !strings.Contains(x.Why, "more than 300") {
				t.Errorf("%+v beside %s", x, best.Student)
			}
		}
	})
	t.Run("an agreement that all have", func(t *testing.T) {
		c := auto(t)
		c.MinAgreement = 0.01
		r, _ := run(t, c)
		best := chosenOne(t, r.Report)
		for _, x := range r.Report.Candidates {
			if x.Agreement != nil && x.Bytes < best.Bytes {
				t.Errorf("%s is smaller than %s", x.Student, best.Student)
			}
		}
	})
	t.Run("a small teacher", func(t *testing.T) {
		c := tiny(t)
		c.Student = "auto"
		r, events := run(t, c)
		first := Event{}
		for _, e := range events {
			if e.Kind == "warning" {
				first = e
				break
			}
			if e.Kind == "label" {
				t.Error("the teacher answers before anything is said")
			}
		}
		if !strings.Contains(first.Message, "there is little to be won") || !strings.Contains(first.Message, "less than the teacher has") {
			t.Errorf("warning %+v", first)
		}
		if chosenOne(t, r.Report).Bytes >= r.Report.Teacher.Bytes {
			t.Error("the student is no smaller")
		}
	})
}

// TestSized fits students to a size.
func TestSized(t *testing.T) {
	b := onnx.NewBuilder(&onnx.Graph{Name: "teacher"}, "")
	x := b.Input("x", onnx.Float32, anyBatch, onnx.Fixed(1), onnx.Fixed(12), onnx.Fixed(12))
	z := b.Op("Gemm", []string{b.Op("Flatten", []string{x}), b.Float32("w", []int64{144, 4}, make([]float32, 576))})
	b.Output(z, onnx.Float32, anyBatch, onnx.Fixed(4))
	sig := student.Signature{Inputs: [][]int{{1, 12, 12}}, Logits: []int{4},
		Teacher: &onnx.Model{IRVersion: 7, Opsets: []onnx.Opset{{Version: 13}}, Graph: b.G}}
	sig.Knowledge.Output, sig.Knowledge.Logits = z, z
	for _, limit := range []int64{100_000, 400_000} {
		for _, name := range []string{"mlp", "convnet", "resnet", "mobilenet"} {
			got, err := sized(sig, student.Spec{Arch: name}, 1, limit)
			if err != nil {
				t.Fatal(err)
			}
			if got.Bytes > limit || got.Bytes < limit/4 {
				t.Errorf("%s within %d: %s of %d bytes", name, limit, got.Student, got.Bytes)
			}
		}
	}
	if got, err := sized(sig, student.Spec{Arch: "resnet"}, 1, 100); err != nil || got.Student != "resnet:width=8" {
		t.Errorf("too little: error %v", err)
	}
}
