// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/engine"
)

// TestBF16 rounds products with weights, and no others: what a loss compares samples
// by keeps its digits.
func TestBF16(t *testing.T) {
	const batch, size = 6, 40
	run := func(bf16 bool) (withWeights, among []float32) {
		g := &onnx.Graph{Name: "products"}
		b := onnx.NewBuilder(g, "")
		x := b.Input("x", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(size))
		w := make([]float32, size*size)
		fill(w, 5, 0.3)
		y := b.Op("MatMul", []string{x, b.Float32("w", []int64{size, size}, w)})
		z := b.Op("MatMul", []string{x, b.Op("Transpose", []string{x})})
		params, err := engine.NewParams[float32](g, nil)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := engine.Compile(g, params, engine.Options{Batch: batch, Opset: 20, Outputs: []string{y, z}, BF16: bf16})
		if err != nil {
			t.Fatal(err)
		}
		fill(plan.Input(x), 7, 1)
		if err := plan.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		return plan.Output(y), plan.Output(z)
	}
	y, z := run(false)
	yRounded, zRounded := run(true)
	if fmt.Sprint(z) != fmt.Sprint(zRounded) {
		t.Error("products of samples are rounded")
	}
	var worst float64
	for i, v := range y {
		worst = max(worst, math.Abs(float64(v-yRounded[i])))
	}
	if worst == 0 || worst > 0.03 {
		t.Errorf("products with weights differ by %g at most, want some hundredths at the most and more than nothing", worst)
	}
}
