// SPDX-License-Identifier: Apache-2.0

package rewrite_test

import (
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// one is an input of one sample of 2x3x4 numbers.
var one = []onnx.Dim{onnx.Fixed(1), onnx.Fixed(2), onnx.Fixed(3), onnx.Fixed(4)}

// bySample runs a model of batch 1 over samples, and its opened form over all of
// them at once, and compares.
func bySample(t *testing.T, single, open *onnx.Model) {
	t.Helper()
	const n = 3
	runtime(t)
	all := run(t, open, n, 11)
	// Sample 0 of the batch is what the single run draws from the same seed.
	first := run(t, single, 1, 11)
	for i := range first {
		if len(all[i].F) != n*len(first[i].F) {
			t.Fatalf("output %d of %d samples has %d elements, of one %d", i, n, len(all[i].F), len(first[i].F))
		}
		alike(t, []ort.Value{{Dims: first[i].Dims, Type: onnx.Float32, F: all[i].F[:len(first[i].F)]}}, first[i:i+1], 1e-6)
	}
}

func TestOpenBatchTeachers(t *testing.T) {
	for _, name := range []string{"mnist-burn", "mnist-12"} {
		t.Run(name, func(t *testing.T) {
			m := teacher(t, name)
			open, err := rewrite.OpenBatch(m, "N")
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range append(open.Graph.DataInputs(), open.Graph.Outputs...) {
				if v.Dims[0] != onnx.Symbolic("N") {
					t.Errorf("%s has the batch %v", v.Name, v.Dims[0])
				}
			}
			bySample(t, m, open)
			four, err := rewrite.SetBatch(m, 4)
			if err != nil {
				t.Fatal(err)
			}
			if d := four.Graph.Outputs[0].Dims[0]; d != onnx.Fixed(4) {
				t.Errorf("batch %v", d)
			}
			if out := run(t, four, 1, 2); out[0].Dims[0] != 4 {
				t.Errorf("batch 4 gives %v", out[0].Dims)
			}
		})
	}
	t.Run("gesture-keypoint", func(t *testing.T) {
		m := teacher(t, "gesture-keypoint")
		three, err := rewrite.SetBatch(m, 3)
		if err != nil {
			t.Fatal(err)
		}
		if in, out := three.Graph.Inputs[0].Dims[0], three.Graph.Outputs[0].Dims[0]; in != onnx.Fixed(3) || out != in {
			t.Errorf("batch 3 gives %v and %v", in, out)
		}
	})
	t.Run("silero-vad", func(t *testing.T) {
		if _, err := rewrite.OpenBatch(teacher(t, "silero-vad"), "N"); err == nil || !strings.Contains(err.Error(), "which one is the batch is not clear") {
			t.Errorf("error %v", err)
		}
	})
}

func TestOpenBatch(t *testing.T) {
	shape := func(b *onnx.Builder, v ...int64) string { return b.Int64("shape", []int64{int64(len(v))}, v) }
	reshape := func(b *onnx.Builder, x string, v ...int64) string {
		return b.OpNamed("r", "Reshape", []string{x, shape(b, v...)})
	}
	cases := []struct {
		name string
		want string // of the error, "" if it opens
		emit func(b *onnx.Builder, x string) string
	}{
		{"reshape to rows", "", func(b *onnx.Builder, x string) string { return reshape(b, b.Op("Relu", []string{x}), 1, 24) }},
		{"reshape with the rest open", "", func(b *onnx.Builder, x string) string { return reshape(b, x, 1, -1) }},
		{"reshape already open", "", func(b *onnx.Builder, x string) string { return reshape(b, x, -1, 24) }},
		{"reshape of weights", "", func(b *onnx.Builder, x string) string {
			w := b.Float32("w", []int64{2, 2, 1}, []float32{1, 2, 3, 4})
			return b.Op("MatMul", []string{reshape(b, x, 1, 12, 2), reshape(b, w, 2, 2)})
		}},
		{"shared shape", "", func(b *onnx.Builder, x string) string {
			s := shape(b, 1, 24)
			w := b.Op("Reshape", []string{b.Float32("w", []int64{24}, make([]float32, 24)), s})
			return b.Op("Add", []string{b.Op("Reshape", []string{x, s}), w})
		}},
		{"shape in a Constant", "", func(b *onnx.Builder, x string) string {
			s := b.Op("Constant", nil, onnx.Ints("value_ints", 1, 6, 4))
			return b.Op("Reshape", []string{x, s})
		}},
		{"transposed and back", "", func(b *onnx.Builder, x string) string {
			y := b.Op("Transpose", []string{x}, onnx.Ints("perm", 1, 0, 2, 3))
			return b.Op("Transpose", []string{b.Op("Neg", []string{y})}, onnx.Ints("perm", 1, 0, 2, 3))
		}},
		{"sample by sample", "", func(b *onnx.Builder, x string) string {
			y := b.Op("ReduceMean", []string{x}, onnx.Ints("axes", 2, 3))
			y = b.Op("Concat", []string{y, y}, onnx.Int("axis", 1))
			return b.Op("Softmax", []string{b.Op("Slice", []string{y, b.Int64("s", []int64{1}, []int64{1}), b.Int64("e", []int64{1}, []int64{3}), b.Int64("a", []int64{1}, []int64{1})})}, onnx.Int("axis", 1))
		}},
		{"batch squeezed into rows", "node r (Reshape): a constant shape has the batch built in", func(b *onnx.Builder, x string) string { return reshape(b, x, 6, 4) }},
		{"reshape after a transpose", "node r (Reshape): a constant shape", func(b *onnx.Builder, x string) string {
			return reshape(b, b.Op("Transpose", []string{x}, onnx.Ints("perm", 1, 0, 2, 3)), 1, 24)
		}},
		{"mean over samples", "node ReduceMean (ReduceMean): works across", func(b *onnx.Builder, x string) string {
			return b.Op("ReduceMean", []string{x}, onnx.Ints("axes", 0), onnx.Int("keepdims", 1))
		}},
		{"mean over everything", "node ReduceMean (ReduceMean): works across", func(b *onnx.Builder, x string) string {
			return b.Op("ReduceMean", []string{x})
		}},
		{"first sample", "node Gather (Gather): works across", func(b *onnx.Builder, x string) string {
			return b.Op("Gather", []string{x, b.Int64("i", nil, []int64{0})})
		}},
		{"squeezed", "node Squeeze (Squeeze): works across", func(b *onnx.Builder, x string) string { return b.Op("Squeeze", []string{x}) }},
		{"token joined", "node Concat (Concat): joins the samples with a constant", func(b *onnx.Builder, x string) string {
			return b.Op("Concat", []string{x, b.Float32("token", []int64{1, 1, 3, 4}, make([]float32, 12))}, onnx.Int("axis", 1))
		}},
		{"fixed state", "node LSTM (LSTM): its initial state is a constant", func(b *onnx.Builder, x string) string {
			y := b.Op("Transpose", []string{b.Op("Squeeze", []string{x, b.Int64("a", []int64{1}, []int64{1})})}, onnx.Ints("perm", 1, 0, 2))
			w := func(dims ...int64) string { return random(b, source(1), "w", dims...) }
			return b.Op("LSTM", []string{y, w(1, 8, 4), w(1, 8, 2), "", "", w(1, 1, 2)}, onnx.Int("hidden_size", 2))
		}},
		{"fixed size", "node Resize (Resize): a constant shape", func(b *onnx.Builder, x string) string {
			return b.Op("Resize", []string{x, "", "", b.Int64("size", []int64{4}, []int64{1, 2, 6, 8})})
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := build(12, one, c.emit)
			if c.name == "squeezed" || c.name == "shape in a Constant" || c.name == "fixed state" {
				m.Opsets[0].Version = 13
			}
			m.Graph.ValueInfo = []*onnx.Value{onnx.NewValue("Relu", onnx.Float32, one...)}
			open, err := rewrite.OpenBatch(m, "N")
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Fatalf("error %v, want %s", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(open.Graph.ValueInfo) > 0 && open.Graph.ValueInfo[0].Ranked {
				t.Error("a stale shape is left")
			}
			bySample(t, m, open)
		})
	}
}

func TestOpenBatchOutput(t *testing.T) {
	m := build(17, one, func(b *onnx.Builder, x string) string {
		return b.Op("Transpose", []string{x}, onnx.Ints("perm", 1, 0, 2, 3))
	})
	m.Graph.Outputs[0] = onnx.NewValue("Transpose", onnx.Float32, one[1], one[0], one[2], one[3])
	if _, err := rewrite.OpenBatch(m, "N"); err == nil || !strings.Contains(err.Error(), `output "Transpose" has 2 as its first dimension`) {
		t.Errorf("error %v", err)
	}
	scalar := build(17, nil, func(b *onnx.Builder, x string) string { return b.Op("Relu", []string{x}) })
	if _, err := rewrite.SetBatch(scalar, 2); err == nil || !strings.Contains(err.Error(), "none has a batch") {
		t.Errorf("error %v", err)
	}
}

func TestSetBatchReplacesTheSymbol(t *testing.T) {
	m := build(17, []onnx.Dim{onnx.Symbolic("B"), onnx.Symbolic("L")}, func(b *onnx.Builder, x string) string {
		return b.Op("Transpose", []string{x}, onnx.Ints("perm", 1, 0))
	})
	m.Graph.Outputs[0] = onnx.NewValue("Transpose", onnx.Float32, onnx.Symbolic("L"), onnx.Symbolic("B"))
	got, err := rewrite.SetBatch(m, 5)
	if err != nil {
		t.Fatal(err)
	}
	in, out := got.Graph.Inputs[0].Dims, got.Graph.Outputs[0].Dims
	if in[0] != onnx.Fixed(5) || in[1] != onnx.Symbolic("L") || out[0] != onnx.Symbolic("L") || out[1] != onnx.Fixed(5) {
		t.Errorf("dims %v and %v", in, out)
	}
}
