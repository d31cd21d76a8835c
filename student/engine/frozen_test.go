// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

// TestFrozen trains what lies behind an operator that has no gradient, Attention with its
// keys as an output, once the weights before it are frozen. Without that it is refused by
// name.
func TestFrozen(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 8))
	g := &onnx.Graph{}
	b := onnx.NewBuilder(g, "")
	x := b.Input("x", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(3), onnx.Fixed(4))
	h := b.Op("MatMul", []string{x, b.Float32("before", []int64{4, 4}, random(r, 4, 4))})
	h = b.Op("Add", []string{h, b.Float32("bias", []int64{4}, random(r, 4))})
	b.G.Nodes = append(b.G.Nodes, &onnx.Node{Name: "stop", OpType: "Attention", Inputs: []string{h, h, h}, Outputs: []string{"y", "keys"},
		Attrs: []onnx.Attr{onnx.Int("q_num_heads", 2), onnx.Int("kv_num_heads", 2)}})
	y := b.Op("MatMul", []string{"y", b.Float32("behind", []int64{4, 2}, random(r, 4, 2))})
	loss := b.Op("ReduceSum", []string{b.Op("Mul", []string{y, y}), b.Int64("axes", []int64{2}, []int64{1, 2})}, onnx.Int("keepdims", 0))
	n := net{graph: g, inputs: map[string]int{"x": 12}, loss: loss}

	all, err := NewParams[float32](g, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Compile(g, all, Options{Batch: 4, Opset: 23, Losses: []string{loss}})
	for _, want := range []string{"stop", "Attention", "no gradient", "opset 23"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that names %q", err, want)
		}
	}

	params, err := NewParams[float64](g, func(name string) bool { return name == "before" || name == "bias" })
	if err != nil {
		t.Fatal(err)
	}
	plan, err := Compile(g, params, Options{Batch: 4, Shards: 2, Opset: 23, Losses: []string{loss}, Outputs: []string{"y"}})
	if err != nil {
		t.Fatal(err)
	}
	fill(plan, n)
	if err := plan.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The objective is the mean of |y W|², so the gradient is 2/N yᵀ y W.
	out, w := plan.Output("y"), params.Values("behind")
	want := make([]float64, len(w))
	for row := range 12 {
		for j := range 2 {
			var z float64
			for k := range 4 {
				z += out[row*4+k] * w[k*2+j]
			}
			for k := range 4 {
				want[k*2+j] += 2 * out[row*4+k] * z / 4
			}
		}
	}
	if !slices.EqualFunc(params.Grad, want, func(a, b float64) bool { return a-b < 1e-12 && b-a < 1e-12 }) {
		t.Errorf("gradient %v, want %v", params.Grad, want)
	}
}
