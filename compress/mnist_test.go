// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/compress/report"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// TestMNIST distils the repository's own teacher, from 3,000 pictures and no
// label, and looks at 1,000 others.
func TestMNIST(t *testing.T) {
	if testing.Short() {
		t.Skip("trains on pictures")
	}
	library(t)
	c := Default()
	c.Teacher, c.Out = filepath.Join("..", "models", "mnist-teacher.onnx"), t.TempDir()
	c.Data = Data{Path: mnist(t, "train-images-idx3-ubyte.gz"), Mean: []float64{0.1307}, Std: []float64{0.3081}, Limit: 3000}
	c.Eval = Data{Path: mnist(t, "t10k-images-idx3-ubyte.gz"), Labels: mnist(t, "t10k-labels-idx1-ubyte.gz"), Limit: 1000}
	c.Student, c.Epochs, c.Batch, c.Rate, c.Shards, c.Threads = "convnet:width=8", 3, 32, 5e-3, 2, 2
	r, _ := run(t, c)
	if held := r.Report.FidelitySets[0]; held.Agreement <= 0.9 || held.Samples != 256 {
		t.Errorf("agreement %.4f on %d held-out pictures", held.Agreement, held.Samples)
	}
	if f := r.Report.Fidelity; f.Agreement <= 0.9 || f.Samples != 1000 {
		t.Errorf("agreement %.4f on %d other pictures", f.Agreement, f.Samples)
	}
	if a := r.Report.Accuracy; a == nil || a.Teacher < 0.98 || a.Student <= 0.88 {
		t.Errorf("accuracy %+v", a)
	}
	if r.Report.Ratio.Bytes < 10 || r.Report.Ratio.LatencyP50 < 2 || !r.Report.Contract.OK {
		t.Errorf("%s", r.Report.Verdict)
	}
	for _, d := range r.Report.Contract.Differences {
		if d.Severity == report.Breaks {
			t.Errorf("%s: %s", d.Where, d.Text)
		}
	}
}

// TestNarrowMNIST takes half of the multiply-adds out of the repository's own teacher
// and trains nothing: the layers behind are fitted to its activations on 256
// pictures, and the rest of the agreement comes back.
func TestNarrowMNIST(t *testing.T) {
	if testing.Short() {
		t.Skip("runs on pictures")
	}
	library(t)
	teacher, err := LoadTeacher(filepath.Join("..", "models", "mnist-teacher.onnx"), "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, quiet := context.Background(), func(Event) {}
	open := func(name string, limit int) *data.Set {
		s, err := teacher.open(ctx, Data{Path: mnist(t, name), Mean: []float64{0.1307}, Std: []float64{0.3081}, Limit: limit}, quiet)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	train := open("train-images-idx3-ubyte.gz", cutSamples)
	defer train.Close()
	test := open("t10k-images-idx3-ubyte.gz", 1000)
	defer test.Close()
	agreement, macs := map[string]float64{}, map[string]int64{}
	for _, spec := range []string{"narrow:ratio=0.65,by=magnitude,refit=no", "narrow:ratio=0.65,refit=no", "narrow:ratio=0.65"} {
		c := Default()
		c.Student, c.Shards = spec, 2
		s, err := chooseStudent(ctx, &c, teacher, train, all(train.Len()), quiet)
		if err != nil {
			t.Fatal(err)
		}
		x, err := newCandidate(s, "cut")
		if err != nil {
			t.Fatal(err)
		}
		dims := [][]int{test.Dims(0)}
		for name, m := range map[string]*onnx.Model{"teacher": teacher.Model, spec: s.Model} {
			n, err := report.MACs(ctx, m, dims)
			if err != nil {
				t.Fatal(err)
			}
			macs[name] = n.Total
		}
		p := pair{teacher: side{"teacher", teacher.File, teacher.Model}, student: side{"student", x.file, s.Model}, dims: dims, answers: []rewrite.Knowledge{teacher.Answers[0].Knowledge}, seed: 1, threads: 2}
		f, _, err := p.compare(ctx, test, nil, "test", false)
		if err != nil {
			t.Fatal(err)
		}
		agreement[spec] = f[0].Agreement
	}
	t.Logf("agreement %v, multiply-adds %v", agreement, macs)
	blind, sharp, fitted := agreement["narrow:ratio=0.65,by=magnitude,refit=no"], agreement["narrow:ratio=0.65,refit=no"], agreement["narrow:ratio=0.65"]
	if 2*macs["narrow:ratio=0.65"] > macs["teacher"] {
		t.Errorf("multiply-adds %v", macs)
	}
	if fitted < 0.97 || fitted <= sharp || sharp <= blind {
		t.Errorf("agreement %.4f by the size of weights, %.4f by the change of the logits, %.4f refitted", blind, sharp, fitted)
	}
}
