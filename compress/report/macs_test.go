// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"slices"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

func TestMACsByHand(t *testing.T) {
	library(t)
	n := onnx.Symbolic("n")
	f32 := func(b *onnx.Builder, dims ...int64) string {
		return b.Float32("w", dims, make([]float32, product(dims)))
	}
	image := func(batch onnx.Dim, op string, weight []int64, out [3]int64, attrs ...onnx.Attr) *onnx.Model {
		return made(func(b *onnx.Builder) {
			x := b.Input("x", onnx.Float32, batch, onnx.Fixed(4), onnx.Fixed(8), onnx.Fixed(8))
			y := b.Op(op, []string{x, f32(b, weight...)}, attrs...)
			b.Output(b.Op("Relu", []string{y}), onnx.Float32, batch, onnx.Fixed(out[0]), onnx.Fixed(out[1]), onnx.Fixed(out[2]))
		})
	}
	for _, c := range []struct {
		name  string
		model *onnx.Model
		want  []int64
	}{
		{"convolution", image(n, "Conv", []int64{6, 4, 3, 3}, [3]int64{6, 6, 6}), []int64{6 * 6 * 6 * 4 * 9}},
		{"stride and padding", image(n, "Conv", []int64{6, 4, 3, 3}, [3]int64{6, 4, 4}, onnx.Ints("strides", 2, 2), onnx.Ints("pads", 1, 1, 1, 1)), []int64{6 * 4 * 4 * 4 * 9}},
		{"depthwise", image(n, "Conv", []int64{4, 1, 3, 3}, [3]int64{4, 6, 6}, onnx.Int("group", 4)), []int64{4 * 6 * 6 * 9}},
		{"batch of three counts one sample", image(onnx.Fixed(3), "Conv", []int64{6, 4, 3, 3}, [3]int64{6, 6, 6}), []int64{6 * 6 * 6 * 4 * 9}},
		{"transposed convolution", image(n, "ConvTranspose", []int64{4, 5, 2, 2}, [3]int64{5, 16, 16}, onnx.Ints("strides", 2, 2)), []int64{4 * 8 * 8 * 5 * 4}},
		{"chain of matrix products", dense(3, 16, n), []int64{256, 256, 256}},
		{"gemm with transposed weight", made(func(b *onnx.Builder) {
			x := b.Input("x", onnx.Float32, n, onnx.Fixed(7))
			b.Output(b.Op("Gemm", []string{x, f32(b, 5, 7)}, onnx.Int("transB", 1)), onnx.Float32, n, onnx.Fixed(5))
		}), []int64{35}},
		{"product of two computed tensors", made(func(b *onnx.Builder) {
			x := b.Input("x", onnx.Float32, n, onnx.Fixed(3), onnx.Fixed(5))
			y := b.Op("MatMul", []string{x, b.Op("Transpose", []string{x}, onnx.Ints("perm", 0, 2, 1))})
			b.Output(y, onnx.Float32, n, onnx.Fixed(3), onnx.Fixed(3))
		}), []int64{3 * 3 * 5}},
		{"LSTM", made(func(b *onnx.Builder) {
			x := b.Input("x", onnx.Float32, onnx.Fixed(9), onnx.Fixed(1), onnx.Fixed(2))
			y := b.Op("LSTM", []string{x, f32(b, 1, 12, 2), f32(b, 1, 12, 3)}, onnx.Int("hidden_size", 3))
			b.Output(y, onnx.Float32, onnx.Fixed(9), onnx.Fixed(1), onnx.Fixed(1), onnx.Fixed(3))
		}), []int64{1 * 12 * (2 + 3)}},
		{"nothing to count", made(func(b *onnx.Builder) {
			x := b.Input("x", onnx.Float32, n, onnx.Fixed(3))
			b.Output(b.Op("Relu", []string{x}), onnx.Float32, n, onnx.Fixed(3))
		}), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := file(t, c.model)
			got, err := MACs(context.Background(), c.model, nil)
			if err != nil {
				t.Fatal(err)
			}
			var each []int64
			var total int64
			for _, x := range got.Nodes {
				each = append(each, x.MACs)
				total += x.MACs
			}
			if !slices.Equal(each, c.want) || got.Total != total {
				t.Errorf("counted %v, total %d, want %v", each, got.Total, c.want)
			}
			if !slices.Equal(file(t, c.model), before) {
				t.Error("counting changed the model")
			}
		})
	}
}

func TestMACsOfRealTeacher(t *testing.T) {
	library(t)
	m := decode(t, sharedTeacher(t, "mnist-12.onnx"))
	got, err := MACs(context.Background(), m, nil)
	if err != nil {
		t.Fatal(err)
	}
	// 8 filters 5x5 on 28x28, 16 filters 5x5x8 on 14x14, 256 x 10.
	want := int64(28*28*8*25 + 14*14*16*8*25 + 2560)
	if got.Total != want || len(got.Nodes) != 3 {
		t.Errorf("counted %d in %v, want %d", got.Total, got.Nodes, want)
	}
}
