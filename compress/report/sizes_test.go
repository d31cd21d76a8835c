// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

// TestOtherSizes has a teacher that takes sequences of any length, students that
// do or do not, and teachers that take one length whatever they declare.
func TestOtherSizes(t *testing.T) {
	library(t)
	n, l := onnx.Symbolic("n"), onnx.Symbolic("l")
	any := func(op string) *onnx.Model {
		return made(func(b *onnx.Builder) {
			b.Output(b.Op(op, []string{b.Input("x", onnx.Float32, n, l)}), onnx.Float32, n, l)
		})
	}
	one := made(func(b *onnx.Builder) {
		x := b.Input("x", onnx.Float32, n, l)
		b.Output(b.Op("Reshape", []string{x, b.Int64("shape", []int64{2}, []int64{-1, 3})}), onnx.Float32, n, l)
	})
	fixed := made(func(b *onnx.Builder) {
		x := b.Input("x", onnx.Float32, n, l)
		b.Output(b.Op("MatMul", []string{x, b.Float32("w", []int64{3, 3}, make([]float32, 9))}), onnx.Float32, n, onnx.Fixed(3))
	})
	for _, c := range []struct {
		name             string
		teacher, student *onnx.Model
		checks           int
		want             string // part of the error, "" where it holds
	}{
		{"both take any", any("Relu"), any("Neg"), 1, ""},
		{"the student takes one", any("Relu"), fixed, 1, "MatMul"},
		{"the student answers in another shape", any("Relu"), one, 1, "has another shape than the teacher's [2 6]"},
		{"the teacher takes one", fixed, fixed, 0, ""},
		{"nothing is open", dense(1, 4, n), dense(1, 4, n), 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			checks, err := OtherSizes(context.Background(), file(t, c.teacher), file(t, c.student), [][]int{{3}}, 1)
			if err != nil || len(checks) != c.checks {
				t.Fatalf("%d checks, %v", len(checks), err)
			}
			for _, k := range checks {
				if !strings.Contains(k.Error, c.want) || (c.want == "") != k.OK() {
					t.Errorf("error %q, want %q", k.Error, c.want)
				}
			}
		})
	}
}
