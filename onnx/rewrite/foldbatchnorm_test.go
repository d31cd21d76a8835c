// SPDX-License-Identifier: Apache-2.0

package rewrite_test

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// image and row are the inputs of the cases: 4 channels of 6x6, and 5 numbers.
var (
	image = []onnx.Dim{onnx.Symbolic("N"), onnx.Fixed(4), onnx.Fixed(6), onnx.Fixed(6)}
	row   = []onnx.Dim{onnx.Symbolic("N"), onnx.Fixed(5)}
)

func TestFoldBatchNorm(t *testing.T) {
	rng := source(1)
	conv := func(b *onnx.Builder, x string, out, groups int64, bias bool) string {
		in := []string{x, random(b, rng, "w", out, 4/groups, 3, 3)}
		if bias {
			in = append(in, random(b, rng, "c", out))
		}
		return b.OpNamed("conv", "Conv", in, onnx.Int("group", groups), onnx.Ints("pads", 1, 1, 1, 1))
	}
	gemm := func(b *onnx.Builder, x string, c string, attrs ...onnx.Attr) string {
		in := []string{x, random(b, rng, "w", 5, 5)}
		if c != "" {
			in = append(in, c)
		}
		return b.OpNamed("fc", "Gemm", in, attrs...)
	}
	cases := []struct {
		name   string
		opset  int64
		dims   []onnx.Dim
		folded int
		emit   func(b *onnx.Builder, x string) string
	}{
		{"conv with bias", 17, image, 1, func(b *onnx.Builder, x string) string { return norm(b, rng, conv(b, x, 8, 1, true), 8) }},
		{"conv without bias", 17, image, 1, func(b *onnx.Builder, x string) string { return norm(b, rng, conv(b, x, 8, 1, false), 8) }},
		{"conv with an omitted bias", 17, image, 1, func(b *onnx.Builder, x string) string {
			y := conv(b, x, 4, 1, false)
			b.G.Nodes[0].Inputs = append(b.G.Nodes[0].Inputs, "")
			return norm(b, rng, y, 4)
		}},
		{"grouped conv", 9, image, 1, func(b *onnx.Builder, x string) string { return norm(b, rng, conv(b, x, 6, 2, true), 6) }},
		{"depthwise conv", 13, image, 1, func(b *onnx.Builder, x string) string {
			return norm(b, rng, conv(b, x, 4, 4, false), 4, onnx.Float("epsilon", .3))
		}},
		{"conv of opset 7", 7, image, 1, func(b *onnx.Builder, x string) string { return norm(b, rng, conv(b, x, 8, 1, true), 8) }},
		{"gemm", 17, row, 1, func(b *onnx.Builder, x string) string { return norm(b, rng, gemm(b, x, random(b, rng, "c", 5)), 5) }},
		{"gemm transposed with factors", 17, row, 1, func(b *onnx.Builder, x string) string {
			return norm(b, rng, gemm(b, x, random(b, rng, "c", 1, 5), onnx.Int("transB", 1), onnx.Float("alpha", .7), onnx.Float("beta", -2)), 5)
		}},
		{"gemm with a scalar", 13, row, 1, func(b *onnx.Builder, x string) string {
			return norm(b, rng, gemm(b, x, random(b, rng, "c"), onnx.Float("beta", 3)), 5)
		}},
		{"gemm without bias", 17, row, 1, func(b *onnx.Builder, x string) string { return norm(b, rng, gemm(b, x, ""), 5) }},
		{"two in a row", 17, image, 2, func(b *onnx.Builder, x string) string {
			return norm(b, rng, norm(b, rng, conv(b, x, 8, 1, true), 8), 8)
		}},
		{"weights shared with another layer", 17, row, 1, func(b *onnx.Builder, x string) string {
			c := random(b, rng, "c", 5)
			y := gemm(b, x, c)
			z := b.OpNamed("other", "Gemm", []string{x, "w", c})
			return b.Op("Add", []string{norm(b, rng, y, 5), z})
		}},
		{"bias over samples", 17, []onnx.Dim{onnx.Fixed(3), onnx.Fixed(5)}, 0, func(b *onnx.Builder, x string) string {
			return norm(b, rng, gemm(b, x, random(b, rng, "c", 3, 1)), 5)
		}},
		{"behind a relu", 17, image, 0, func(b *onnx.Builder, x string) string {
			return norm(b, rng, b.Op("Relu", []string{conv(b, x, 8, 1, true)}), 8)
		}},
		{"read twice", 17, image, 0, func(b *onnx.Builder, x string) string {
			y := conv(b, x, 8, 1, true)
			return b.Op("Add", []string{norm(b, rng, y, 8), y})
		}},
		{"computed weights", 17, row, 0, func(b *onnx.Builder, x string) string {
			w := b.Op("Tanh", []string{random(b, rng, "w", 5, 5)})
			return norm(b, rng, b.Op("Gemm", []string{x, w}), 5)
		}},
		{"transposed conv", 17, image, 0, func(b *onnx.Builder, x string) string {
			return norm(b, rng, b.Op("ConvTranspose", []string{x, random(b, rng, "w", 4, 4, 3, 3)}), 4)
		}},
		{"no variance left", 17, row, 0, func(b *onnx.Builder, x string) string {
			y := norm(b, rng, gemm(b, x, ""), 5, onnx.Float("epsilon", 0))
			v := b.G.Initializer("var")
			v.Data = make([]byte, len(v.Data))
			return y
		}},
		{"training", 17, image, 0, func(b *onnx.Builder, x string) string {
			y := norm(b, rng, conv(b, x, 8, 1, true), 8, onnx.Int("training_mode", 1))
			n := b.G.Nodes[len(b.G.Nodes)-1]
			n.Outputs = append(n.Outputs, "running_mean", "running_var")
			return y
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := build(c.opset, c.dims, c.emit)
			before, err := m.Encode()
			if err != nil {
				t.Fatal(err)
			}
			got, n, err := rewrite.FoldBatchNorm(m)
			if err != nil {
				t.Fatal(err)
			}
			if left := slices.Index(ops(got), "BatchNormalization") >= 0; n != c.folded || left != (n == 0) {
				t.Fatalf("folded %d, want %d; operators %v", n, c.folded, ops(got))
			}
			if after, _ := m.Encode(); !bytes.Equal(before, after) {
				t.Error("the argument has changed")
			}
			if got.Graph.Outputs[0].Name != m.Graph.Outputs[0].Name {
				t.Error("the output has another name")
			}
			if n > 0 {
				runtime(t)
				alike(t, run(t, got, 3, 5), run(t, m, 3, 5), 1e-5)
			}
		})
	}
}

// TestFoldedWeights compares the folded numbers with the formula.
func TestFoldedWeights(t *testing.T) {
	m := build(17, image, func(b *onnx.Builder, x string) string {
		w := b.Float32("w", []int64{2, 4, 1, 1}, []float32{1, 2, 3, 4, 5, 6, 7, 8})
		c := b.Float32("c", []int64{2}, []float32{.5, -.5})
		y := b.OpNamed("conv", "Conv", []string{x, w, c})
		vec := func(name string, a, z float32) string { return b.Float32(name, []int64{2}, []float32{a, z}) }
		return b.OpNamed("bn", "BatchNormalization", []string{y, vec("g", 2, 6), vec("b", 1, -1), vec("m", .25, 4), vec("v", 3, 8)}, onnx.Float("epsilon", 1))
	})
	got, _, err := rewrite.FoldBatchNorm(m)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]float64{
		// The slopes are 2/sqrt(3+1) = 1 and 6/sqrt(8+1) = 2.
		"w": {1, 2, 3, 4, 10, 12, 14, 16}, "c": {(.5-.25)*1 + 1, (-.5-4)*2 - 1},
	}
	for name, v := range want {
		w, err := onnx.Values[float64](got.Graph.Initializer(name))
		if err != nil || !slices.EqualFunc(w, v, func(a, b float64) bool { return math.Abs(a-b) < 1e-6 }) {
			t.Errorf("%s = %v, want %v (%v)", name, w, v, err)
		}
	}
	if len(got.Graph.Initializers) != 2 {
		t.Errorf("%d initializers are left", len(got.Graph.Initializers))
	}
}

func TestFoldTeacher(t *testing.T) {
	m := teacher(t, "mnist-burn")
	got, n, err := rewrite.FoldBatchNorm(m)
	if err != nil || n != 1 {
		t.Fatalf("folded %d of mnist-burn, %v", n, err)
	}
	runtime(t)
	alike(t, run(t, got, 1, 3), run(t, m, 1, 3), 1e-5)
}
