// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// TestTorchExports trains sequence nets as PyTorch exports them (scripts/
// export_sequences.py) and expects PyTorch's losses, with no operator that sees samples
// on the whole batch at once.
func TestTorchExports(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "torch", "*.onnx"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no exports: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".onnx"), func(t *testing.T) {
			const samples = 4
			var want struct{ X, Losses []float64 }
			text, err := os.ReadFile(strings.TrimSuffix(file, "onnx") + "json")
			if err == nil {
				err = json.Unmarshal(text, &want)
			}
			if err != nil {
				t.Fatal(err)
			}
			text, err = os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			m, err := onnx.Decode(text)
			if err == nil {
				m, err = rewrite.Normalise(m)
			}
			if err != nil {
				t.Fatal(err)
			}
			b := onnx.NewBuilder(m.Graph, "")
			y := m.Graph.Outputs[0].Name
			loss := b.Op("ReduceMean", []string{b.Op("Mul", []string{y, y})}, onnx.Ints("axes", 1), onnx.Int("keepdims", 0))
			params, err := NewParams[float64](m.Graph, nil)
			if err != nil {
				t.Fatal(err)
			}
			plan, err := Compile(m.Graph, params, Options{Batch: samples, Shards: 2, Opset: int(m.Opset("")), Training: true, Losses: []string{loss}})
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range plan.segments {
				for _, step := range s.steps {
					if n := step.node; n != nil && n.kernel.Whole && len(n.in) > 0 && n.in[0].Batched {
						t.Errorf("%s (%s) runs on the whole batch", n.def.Name, n.def.OpType)
					}
				}
			}
			copy(plan.Input("x"), want.X)
			for i, w := range want.Losses {
				if err := plan.Run(context.Background()); err != nil {
					t.Fatal(err)
				}
				if got := plan.Loss(); math.Abs(got-w) > 1e-5*w {
					t.Errorf("step %d: loss %.9g, PyTorch has %.9g", i+1, got, w)
				}
				for j, g := range params.Grad {
					params.W[j] -= 0.1 * g
				}
			}
		})
	}
}
