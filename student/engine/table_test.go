// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

// words is a net that looks up two tables: the first twice, the second beside other
// uses, so that it is none.
func words() (g *onnx.Graph, loss string) {
	const rows, width = 5000, 4
	r := rand.New(rand.NewPCG(3, 9))
	g = &onnx.Graph{Name: "words"}
	b := onnx.NewBuilder(g, "")
	ids := b.Input("ids", onnx.Int64, onnx.Symbolic("N"), onnx.Fixed(3))
	before := b.Float32("before", []int64{2}, random(r, 2))
	table := b.Float32("table", []int64{rows, width}, random(r, rows, width))
	both := b.Float32("both", []int64{rows, width}, random(r, rows, width))
	x := b.Op("Add", []string{b.Op("Gather", []string{table, ids}), b.Op("Gather", []string{table, b.Int64("fixed", []int64{1}, []int64{-7})})})
	x = b.Op("Mul", []string{x, b.Op("Gather", []string{both, ids})})
	sum := b.Op("ReduceMean", []string{both}, onnx.Ints("axes", 0, 1), onnx.Int("keepdims", 0))
	x = b.Op("Tanh", []string{b.Op("Mul", []string{b.Op("Add", []string{x, sum}), b.Op("ReduceSum", []string{before}, onnx.Int("keepdims", 0))})})
	return g, b.Op("ReduceMean", []string{x}, onnx.Ints("axes", 1, 2), onnx.Int("keepdims", 0))
}

// TestTables expects the gradients that sums over all rows give, to the bit, run after
// run and with two plans in turns.
func TestTables(t *testing.T) {
	g, loss := words()
	make := func(small, shards int) (*Params[float32], [2]*Plan[float32]) {
		old := smallTable
		defer func() { smallTable = old }()
		smallTable = small
		p, err := NewParams[float32](g, nil)
		if err != nil {
			t.Fatal(err)
		}
		var plans [2]*Plan[float32]
		for i, batch := range []int{7, 4} {
			if plans[i], err = Compile(g, p, Options{Batch: batch, Shards: shards, Threads: 2, Opset: 12, Losses: []string{loss}}); err != nil {
				t.Fatal(err)
			}
		}
		return p, plans
	}
	for _, shards := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d shards", shards), func(t *testing.T) {
			want, dense := make(1<<30, shards)
			got, sparse := make(100, shards)
			if n := len(sparse[0].tables); n != 1 {
				t.Fatalf("%d tables, want one", n)
			}
			r := rand.New(rand.NewPCG(1, 1))
			for run := range 8 {
				which := run / 2 % 2
				ids := dense[which].Input("ids")
				for i := range ids {
					ids[i] = float32(r.IntN(9000) - 4000)
				}
				copy(sparse[which].Input("ids"), ids)
				for _, p := range []*Plan[float32]{dense[which], sparse[which]} {
					if err := p.Run(context.Background()); err != nil {
						t.Fatal(err)
					}
				}
				if !slices.Equal(got.Grad, want.Grad) {
					t.Fatalf("run %d: other gradients than those of all rows", run)
				}
			}
		})
	}
}
