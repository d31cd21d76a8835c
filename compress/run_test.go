// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/compress/report"
	"github.com/kdcompress/kdcompress/onnx"
)

// TestRun distils a toy teacher, looks at everything that is left behind, and
// runs the job file again into another folder.
func TestRun(t *testing.T) {
	c := tiny(t)
	labels := make([]int64, 50)
	c.Eval = Data{Path: npy(t, 50, features), Labels: writeNPY(t, []int{50}, labels)}
	c.Command = "the command"
	r, events := run(t, c)
	if r.Student != filepath.Join(c.Out, "student.onnx") {
		t.Errorf("the student is %s", r.Student)
	}
	for _, name := range []string{"student.onnx", "report.json", "report.html", "job.yaml", "events.jsonl", "checkpoint/state"} {
		if len(read(t, c.Out, name)) == 0 {
			t.Errorf("%s is empty", name)
		}
	}
	if parts, _ := filepath.Glob(filepath.Join(c.Out, "targets", "part-*.kdt")); len(parts) != 1 {
		t.Errorf("parts of the store: %v", parts)
	}
	if left, _ := filepath.Glob(filepath.Join(c.Out, ".*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
	checkReport(t, c, r)
	checkEvents(t, c, events)
	m, err := onnx.Load(r.Student)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"labels": "a,b,c", "kdcompress.student": "mlp:width=8,depth=1", "kdcompress.seed": "1",
		"kdcompress.teacher_sha256": r.Report.Teacher.SHA256, "kdcompress.epochs": "2"} {
		if got, _ := m.Property(key); got != want {
			t.Errorf("metadata %s is %q, want %q", key, got, want)
		}
	}

	again, err := ReadJob(filepath.Join(c.Out, "job.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	resolved := c
	resolved.Command = ""
	if !reflect.DeepEqual(again, resolved) {
		t.Errorf("job.yaml is read as\n%+v, want\n%+v", again, resolved)
	}
	again.Out, again.Threads, again.Eval = t.TempDir(), 1, Data{}
	r2, _ := run(t, again)
	if !bytes.Equal(read(t, r.Student), read(t, r2.Student)) {
		t.Error("the job file gives another student")
	}
}

func checkReport(t *testing.T, c Config, r *Result) {
	t.Helper()
	var got report.Report
	if err := json.Unmarshal(read(t, c.Out, "report.json"), &got); err != nil {
		t.Fatal(err)
	}
	if got.Student.SHA256 != r.Report.Student.SHA256 || got.Student.Bytes != int64(len(read(t, r.Student))) || got.Teacher.Path != c.Teacher {
		t.Errorf("models %+v and %+v", got.Teacher, got.Student)
	}
	if !got.Contract.OK || len(got.Contract.Differences) != 0 || len(got.Contract.Runs) != 6 {
		t.Errorf("contract %+v", got.Contract)
	}
	if got.Fidelity.Samples != 50 || got.Fidelity.ChoseEpoch || len(got.FidelitySets) != 1 || !got.FidelitySets[0].ChoseEpoch || got.FidelitySets[0].Samples != 80 {
		t.Errorf("fidelity on %d samples, and on %+v", got.Fidelity.Samples, got.FidelitySets)
	}
	if got.Accuracy == nil || got.Accuracy.Samples != 50 {
		t.Errorf("accuracy %+v", got.Accuracy)
	}
	if got.Training == nil || len(got.Training.Curve) != 2 || got.Training.BestEpoch < 1 || got.Transfer == nil || got.Transfer.Samples != 320 {
		t.Errorf("training %+v on %+v", got.Training, got.Transfer)
	}
	// The agreement the training saw is the one of the written file.
	best := got.Training.Curve[got.Training.BestEpoch-1]
	if best.Agreement != got.FidelitySets[0].Agreement {
		t.Errorf("agreement %.4f in training, %.4f of the file", best.Agreement, got.FidelitySets[0].Agreement)
	}
	if got.Command != "the command" || got.Seed != 1 || got.DurationS <= 0 || got.Ratio.Bytes <= 1 || got.Student.Latency.Runs == 0 || got.Verdict == "" {
		t.Errorf("report %+v", got)
	}
	var config Config
	if err := json.Unmarshal(got.Config, &config); err != nil || config.Student != c.Student {
		t.Errorf("configuration %s: %v", got.Config, err)
	}
}

func checkEvents(t *testing.T, c Config, events []Event) {
	t.Helper()
	if count(events, "epoch") != 2 || count(events, "step") != 20 || count(events, "label") != 7 || count(events, "stage") != 4 {
		t.Errorf("%d epochs, %d steps, %d of labelling, %d stages", count(events, "epoch"), count(events, "step"), count(events, "label"), count(events, "stage"))
	}
	var kept []Event
	for _, e := range events {
		if !e.Passing() {
			kept = append(kept, e)
		}
	}
	log := logged(t, c.Out)
	if !reflect.DeepEqual(log, kept) {
		t.Errorf("events.jsonl holds %d events, want %d:\n%+v\n%+v", len(log), len(kept), log, kept)
	}
}

// TestResume cuts a run in its second epoch and goes on.
func TestResume(t *testing.T) {
	c := tiny(t)
	c.Epochs = 3
	whole, _ := run(t, c)
	c.Out = t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, err := Run(ctx, c, func(e Event) {
		if e.Kind == "step" && e.Done > 15*c.Batch {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || r != nil {
		t.Fatalf("error %v", err)
	}
	nothingDeployed(t, c.Out)
	before := len(logged(t, c.Out))
	c.Resume = true
	resumed, events := run(t, c)
	if !bytes.Equal(read(t, whole.Student), read(t, resumed.Student)) {
		t.Error("the resumed run gives another student")
	}
	if count(events, "epoch") != 2 || count(events, "label") != 0 {
		t.Errorf("%d epochs and %d events of labelling after going on", count(events, "epoch"), count(events, "label"))
	}
	if len(resumed.Report.Training.Curve) != 3 {
		t.Errorf("a curve of %d epochs", len(resumed.Report.Training.Curve))
	}
	if log := logged(t, c.Out); len(log) <= before || log[0].Kind == "" {
		t.Errorf("%d events are kept, %d before", len(log), before)
	}
}

// TestCancelledMeasurement leaves nothing of a model that is written but unchecked.
func TestCancelledMeasurement(t *testing.T) {
	c := tiny(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	unchecked := 0
	_, err := Run(ctx, c, func(e Event) {
		if e.Kind == "stage" && e.Stage == "measure" {
			left, _ := filepath.Glob(filepath.Join(c.Out, ".student.onnx*"))
			unchecked = len(left)
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || unchecked != 1 {
		t.Errorf("error %v, %d unchecked files while measuring", err, unchecked)
	}
	nothingDeployed(t, c.Out)
}

// TestBudgets misses some and keeps others.
func TestBudgets(t *testing.T) {
	c := tiny(t)
	c.MaxSize, c.MaxLatency, c.MinAgreement = 100, 1000, 1
	c.Epochs = 1
	r, err := Run(context.Background(), c, nil)
	var missed *MissedError
	if !errors.As(err, &missed) || !reflect.DeepEqual(missed.Budgets, []string{"max-size", "min-agreement"}) {
		t.Fatalf("error %v", err)
	}
	oneLine(t, err, "the student misses its budget: max-size, min-agreement")
	if r == nil || len(r.Report.Budgets) != 3 || !r.Report.Budgets[1].OK {
		t.Errorf("result %+v", r)
	}
	if len(read(t, c.Out, "student.onnx")) <= 100 {
		t.Error("the student is not there")
	}
}

// TestFixedBatch distils a teacher that takes two samples at a time.
func TestFixedBatch(t *testing.T) {
	c := tiny(t)
	two := onnx.Fixed(2)
	c.Teacher = save(t, toyTeacher(two, softmax(two)))
	r, _ := run(t, c)
	if !r.Report.Contract.OK || r.Report.Student.Latency.Batch != 2 {
		t.Errorf("contract %+v, timed at batch %d", r.Report.Contract, r.Report.Student.Latency.Batch)
	}
}

func TestRunFails(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(t *testing.T, c *Config)
		want   string
	}{
		{"divergence", func(_ *testing.T, c *Config) { c.Rate = 1e30 }, "training diverged in epoch 1"},
		{"no teacher", func(t *testing.T, c *Config) { c.Teacher = filepath.Join(t.TempDir(), "none.onnx") }, "none.onnx"},
		{"no data", func(t *testing.T, c *Config) { c.Data.Path = filepath.Join(t.TempDir(), "none.npy") }, "none.npy"},
		{"no evaluation data", func(t *testing.T, c *Config) { c.Eval.Path = filepath.Join(t.TempDir(), "none.npy") }, "none.npy"},
		{"data of another shape", func(t *testing.T, c *Config) { c.Data.Path = npy(t, 10, features+1) }, "x.npy: a sample is 13"},
		{"an unknown output", func(_ *testing.T, c *Config) { c.Output = "q" }, `the model has no output "q"; it has "p" (float)`},
		{"an architecture that does not fit", func(_ *testing.T, c *Config) { c.Student = "convnet" }, "a convnet reads pictures"},
		{"no student file", func(t *testing.T, c *Config) { c.Student = filepath.Join(t.TempDir(), "none.onnx") }, "none.onnx"},
		{"one sample", func(_ *testing.T, c *Config) { c.Data.Limit = 1 }, "1 samples to train on and 0 to choose the epoch by"},
		{"a label beyond the classes", func(t *testing.T, c *Config) {
			c.Data.Labels, c.LabelWeight = writeNPY(t, []int{samples}, bytesOf(samples, 9)), 1
		}, "has label 9, the teacher knows 3 classes"},
		{"a damaged store of answers", func(t *testing.T, c *Config) {
			c.Targets = t.TempDir()
			if err := os.WriteFile(filepath.Join(c.Targets, "part-00000-of-00001.kdt"), []byte("x\ny"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, "not a part of a target store; delete it and label again"},
		{"a usage error", func(_ *testing.T, c *Config) { c.Batch = 0 }, "a batch of 0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := tiny(t)
			tc.change(t, &c)
			var events []Event
			r, err := Run(context.Background(), c, func(e Event) { events = append(events, e) })
			oneLine(t, err, tc.want)
			if r != nil || count(events, "epoch") != 0 {
				t.Errorf("result %+v after %d epochs", r, count(events, "epoch"))
			}
			nothingDeployed(t, c.Out)
		})
	}
}

func bytesOf(n int, v int64) []int64 {
	all := make([]int64, n)
	for i := range all {
		all[i] = v
	}
	return all
}

func TestUnwritableFolder(t *testing.T) {
	c := tiny(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	c.Out = filepath.Join(file, "out")
	_, err := Run(context.Background(), c, nil)
	oneLine(t, err, "output folder: "+c.Out)
	if err != nil && strings.Count(err.Error(), file) != 1 {
		t.Errorf("the folder is named more than once: %v", err)
	}
}

// TestRunWithoutLibrary fails before any work.
func TestRunWithoutLibrary(t *testing.T) {
	c := tiny(t)
	c.Library = filepath.Join(t.TempDir(), "none.so")
	_, err := Run(context.Background(), c, nil)
	oneLine(t, err, "none.so")
	nothingDeployed(t, c.Out)
}
