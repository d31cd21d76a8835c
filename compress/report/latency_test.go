// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/kdcompress/kdcompress/onnx"
)

// dense is a chain of square matrix products of the given width.
func dense(layers int, width int64, batch onnx.Dim) *onnx.Model {
	return made(func(b *onnx.Builder) {
		at := b.Input("x", onnx.Float32, batch, onnx.Fixed(width))
		w := make([]float32, width*width)
		for i := range w {
			w[i] = 1 / float32(width)
		}
		for range layers {
			at = b.Op("MatMul", []string{at, b.Float32("w", []int64{width, width}, w)})
		}
		b.Output(at, onnx.Float32, batch, onnx.Fixed(width))
	})
}

func TestLatencyOfUnequalModels(t *testing.T) {
	library(t)
	big, small := file(t, dense(8, 256, onnx.Symbolic("n"))), file(t, dense(1, 256, onnx.Symbolic("n")))
	o := LatencyOptions{Batch: 4, MinRuns: 100, Budget: 400 * time.Millisecond, Seed: 5}
	p, err := Latency(context.Background(), big, small, o)
	if err != nil {
		t.Fatal(err)
	}
	if p.A.Runs != p.B.Runs || p.A.Runs != len(p.A.Samples) || p.B.Runs != len(p.B.Samples) || p.A.Runs < fewestRuns {
		t.Errorf("%d and %d runs, %d and %d samples", p.A.Runs, p.B.Runs, len(p.A.Samples), len(p.B.Samples))
	}
	if p.Short != (p.A.Runs < o.MinRuns) {
		t.Errorf("%d runs, Short is %v", p.A.Runs, p.Short)
	}
	// Eight times the arithmetic; a third of that suffices on a busy machine.
	if p.Ratio < 2 || p.CI95[0] > p.Ratio || p.CI95[1] < p.Ratio {
		t.Errorf("ratio %v %v", p.Ratio, p.CI95)
	}
	for _, s := range []LatencyStat{p.A, p.B} {
		if s.Batch != 4 || s.Threads != 1 || !(s.P50 > 0 && s.P50 <= s.P95 && s.P95 <= s.P99) {
			t.Errorf("statistics %+v", s)
		}
	}
	if p.LoadA <= 0 || p.LoadB <= 0 {
		t.Errorf("session starts take %v and %v ms", p.LoadA, p.LoadB)
	}
}

func TestLatencyErrors(t *testing.T) {
	library(t)
	open := file(t, dense(1, 8, onnx.Symbolic("n")))
	fixed := file(t, dense(1, 8, onnx.Fixed(1)))
	free := file(t, made(func(b *onnx.Builder) {
		x := b.Input("x", onnx.Float32, onnx.Symbolic("n"), onnx.Symbolic("length"))
		b.Output(b.Op("Relu", []string{x}), onnx.Float32, onnx.Symbolic("n"), onnx.Symbolic("length"))
	}))
	for _, c := range []struct {
		name string
		b    []byte
		o    LatencyOptions
		want string
	}{
		{"batch is fixed", fixed, LatencyOptions{Batch: 2}, "model 2: the model takes batches of 1, not 2"},
		{"shape is open", free, LatencyOptions{}, `model 2: input "x" leaves its shape open`},
		{"not a model", []byte("x"), LatencyOptions{}, "model 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.Budget = 50 * time.Millisecond
			if _, err := Latency(context.Background(), open, c.b, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	if _, err := Latency(context.Background(), free, free, LatencyOptions{Budget: 20 * time.Millisecond, Dims: [][]int{{5}}}); err != nil {
		t.Errorf("with the dimensions of a sample: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Latency(ctx, open, open, LatencyOptions{}); err == nil {
		t.Error("measuring goes on after the context has ended")
	}
}
