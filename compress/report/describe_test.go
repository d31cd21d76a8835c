// SPDX-License-Identifier: Apache-2.0

package report

import (
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

// TestParamsOfIntegers: integers that stand for weights count, scales do not.
func TestParamsOfIntegers(t *testing.T) {
	m := made(func(b *onnx.Builder) {
		x := b.Input("x", onnx.Float32, onnx.Symbolic("n"), onnx.Fixed(4))
		w := b.Init(&onnx.Tensor{Name: "w", Type: onnx.Int8, Dims: []int64{4, 3}, Data: make([]byte, 12)})
		w = b.Op("DequantizeLinear", []string{w, b.Float32("s", []int64{3}, []float32{1, 1, 1})}, onnx.Int("axis", 1))
		y := b.Op("Add", []string{b.Op("MatMul", []string{x, w}), b.Float32("b", []int64{3}, []float32{1, 2, 3})})
		b.Output(y, onnx.Float32, onnx.Symbolic("n"), onnx.Fixed(3))
	})
	if d := Describe("", nil, m); d.Params != 15 {
		t.Errorf("%d parameters, want 15", d.Params)
	}
}
