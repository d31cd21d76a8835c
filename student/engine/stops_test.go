// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

// masked is a net whose hidden layer goes through a leaky rectifier made of a mask:
// of Where if selected, else of products with the mask cast to numbers. The mask is
// computed from the weights, and no gradient passes through it.
func masked(selected bool) net {
	r := rand.New(rand.NewPCG(19, 5))
	g := &onnx.Graph{Name: "masked"}
	b := onnx.NewBuilder(g, "")
	x := b.Input("x", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(4))
	h := b.Op("MatMul", []string{x, b.Float32("w", []int64{4, 3}, random(r, 4, 3))})
	low := b.Op("Mul", []string{h, b.Float32("slope", nil, []float32{0.1})})
	mask := b.Op("Greater", []string{h, b.Float32("threshold", []int64{3}, []float32{0, 0.1, -0.1})})
	if selected {
		h = b.Op("Where", []string{mask, h, low})
	} else {
		keep := b.Op("Cast", []string{mask}, onnx.Int("to", int64(onnx.Float32)))
		drop := b.Op("Cast", []string{b.Op("Not", []string{mask})}, onnx.Int("to", int64(onnx.Float32)))
		h = b.Op("Add", []string{b.Op("Mul", []string{h, keep}), b.Op("Mul", []string{low, drop})})
	}
	h = b.Op("Mul", []string{h, h})
	return net{graph: g, inputs: map[string]int{"x": 4}, loss: b.Op("ReduceMean", []string{h}, onnx.Int("keepdims", 0))}
}

// TestMasks trains past comparisons, and expects the same gradient of both ways to
// write the same function.
func TestMasks(t *testing.T) {
	_, want := run[float32](t, masked(true), Options{Batch: 7, Shards: 2})
	_, got := run[float32](t, masked(false), Options{Batch: 7, Shards: 2})
	if !slices.Equal(got.Grad, want.Grad) {
		t.Errorf("gradients %v through products, %v through a selection", got.Grad, want.Grad)
	}
	if len(want.List) != 1 || want.List[0].Name != "w" {
		t.Errorf("trainable are %v, want w alone: neither a slope nor a threshold is a weight", want.List)
	}
}

// TestNothingPasses names the objective that no weight can reach.
func TestNothingPasses(t *testing.T) {
	for _, last := range []string{"Floor", "Sign", "ArgMax"} {
		t.Run(last, func(t *testing.T) {
			g := &onnx.Graph{}
			b := onnx.NewBuilder(g, "")
			x := b.Input("x", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(2))
			h := b.Op("MatMul", []string{x, b.Float32("w", []int64{2, 2}, []float32{1, 2, 3, 4})})
			var attrs []onnx.Attr
			if last == "ArgMax" {
				attrs = append(attrs, onnx.Int("axis", 1))
			}
			loss := b.Op(last, []string{h}, attrs...)
			p, err := NewParams[float32](g, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Compile(g, p, Options{Batch: 2, Opset: 13, Losses: []string{loss}})
			if err == nil || !strings.Contains(err.Error(), "nothing that can be trained leads to") {
				t.Errorf("error %v, want one that says that nothing can be trained", err)
			}
		})
	}
}
