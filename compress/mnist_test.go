// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"path/filepath"
	"testing"

	"github.com/kdcompress/kdcompress/compress/report"
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
