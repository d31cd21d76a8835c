// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

// TestOnce expects the gradients that sums give which are cleared first, to the bit,
// from a weight that one product reads, one that two read, and one that stays out of the
// objective's way, run after run.
func TestOnce(t *testing.T) {
	const size = 20
	r := rand.New(rand.NewPCG(8, 8))
	g := &onnx.Graph{Name: "layers"}
	b := onnx.NewBuilder(g, "")
	x := b.Input("x", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(size))
	weight := func(name string) string { return b.Float32(name, []int64{size, size}, random(r, size, size)) }
	once, twice := weight("once"), weight("twice")
	h := b.Op("Tanh", []string{b.Op("Gemm", []string{x, once}, onnx.Int("transB", 1))})
	h = b.Op("Tanh", []string{b.Op("MatMul", []string{h, twice})})
	h = b.Op("Tanh", []string{b.Op("MatMul", []string{h, twice})})
	h = b.Op("MatMul", []string{h, weight("last")})
	loss := b.Op("ReduceMean", []string{h}, onnx.Ints("axes", 1), onnx.Int("keepdims", 0))
	compile := func(small int) (*Params[float32], *Plan[float32]) {
		defer func(old int) { smallTable = old }(smallTable)
		smallTable = small
		p, err := NewParams[float32](g, nil)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := Compile(g, p, Options{Batch: 11, Shards: 3, Threads: 2, Opset: 12, Losses: []string{loss}, SliceBytes: 1})
		if err != nil {
			t.Fatal(err)
		}
		return p, plan
	}
	want, cleared := compile(1 << 30)
	got, set := compile(1)
	if len(cleared.once) != 0 || len(set.once) != 2 || set.once["twice"] {
		t.Fatalf("weights set at the first slice: %v and %v", cleared.once, set.once)
	}
	for run := range 3 {
		for _, p := range []*Plan[float32]{cleared, set} {
			copy(p.Input("x"), random(rand.New(rand.NewPCG(uint64(run), 1)), 11, size))
			if err := p.Run(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(want.Grad, got.Grad) {
			t.Fatalf("run %d: gradients differ", run)
		}
	}
}
