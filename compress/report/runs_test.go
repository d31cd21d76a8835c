// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

func TestRuns(t *testing.T) {
	library(t)
	n := onnx.Symbolic("n")
	// A Reshape whose constant bakes the batch fails beyond batch 1; a mean over
	// the batch does not, but its output does not grow.
	baked := made(func(b *onnx.Builder) {
		x := b.Input("x", onnx.Float32, n, onnx.Fixed(2))
		b.Output(b.Op("Reshape", []string{x, b.Int64("shape", []int64{2}, []int64{1, 2})}), onnx.Float32, n, onnx.Fixed(2))
	})
	merged := made(func(b *onnx.Builder) {
		x := b.Input("x", onnx.Float32, n, onnx.Fixed(2))
		b.Output(b.Op("ReduceMean", []string{x}, onnx.Ints("axes", 0)), onnx.Float32, n, onnx.Fixed(2))
	})
	for _, c := range []struct {
		name    string
		model   *onnx.Model
		batches string
		fails   string // batches that fail
		want    string
	}{
		{"open batch", dense(1, 4, n), "125125", "", ""},
		{"fixed batch", dense(1, 4, onnx.Fixed(3)), "33", "", ""},
		{"baked batch", baked, "125125", "2525", ""},
		{"merged batch", merged, "125125", "2525", "has 2 elements for a batch of"},
	} {
		t.Run(c.name, func(t *testing.T) {
			checks, err := Runs(context.Background(), file(t, c.model), nil, 1)
			if err != nil {
				t.Fatal(err)
			}
			var batches, fails strings.Builder
			for i, k := range checks {
				batches.WriteByte(byte('0' + k.Batch))
				if k.Optimised != (i >= len(checks)/2) {
					t.Errorf("check %d is optimised: %v", i, k.Optimised)
				}
				if !k.OK() {
					fails.WriteByte(byte('0' + k.Batch))
					if !strings.Contains(k.Error, c.want) || strings.Contains(k.Error, "\n") {
						t.Errorf("error %q, want one line with %q", k.Error, c.want)
					}
				}
			}
			if batches.String() != c.batches || fails.String() != c.fails {
				t.Errorf("ran batches %s, failed %s; want %s and %s", &batches, &fails, c.batches, c.fails)
			}
		})
	}
	checks, err := Runs(context.Background(), []byte("not a model"), nil, 1)
	if err != nil || len(checks) != 2 || checks[0].OK() || checks[1].OK() {
		t.Errorf("a text file gives %+v, %v", checks, err)
	}
}
