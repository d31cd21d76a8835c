// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

// TestRecompute compares a plan that computes activations again in the backward pass
// with one that keeps them, because they are to be read after a run: the same bits of
// all gradients, in less memory.
func TestRecompute(t *testing.T) {
	g := &onnx.Graph{}
	d := &drawing{onnx.NewBuilder(g, ""), rand.New(rand.NewPCG(31, 7))}
	x := d.Input("x", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(3), onnx.Fixed(9), onnx.Fixed(9))
	var kept []string
	y, in := x, int64(3)
	for range 3 {
		y = d.op("HardSwish", d.norm(d.conv(y, in, 8, 3), 8))
		kept = append(kept, y)
		// Two readers in segments of their own, and one behind a view.
		z := d.op("Reshape", y, d.Int64("flat", []int64{3}, []int64{0, 8, 81}))
		z = d.op("Reshape", d.op("Mul", z, z), d.Int64("square", []int64{4}, []int64{0, 8, 9, 9}))
		y, in = d.op("Add", z, d.norm(d.conv(y, 8, 8, 1), 8)), 8
	}
	loss := d.Op("ReduceMean", []string{d.op("Mul", y, y), d.Int64("axes", []int64{3}, []int64{1, 2, 3})}, onnx.Int("keepdims", 0))
	var grads [2][]float64
	var bytes [2]int64
	for i, outputs := range [][]string{{}, kept} {
		params, err := NewParams[float64](g, nil)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Compile(g, params, Options{Batch: 7, Shards: 2, Opset: 20, Training: true, Losses: []string{loss}, Outputs: outputs, SliceBytes: 20000})
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(5, 6))
		for j := range p.Input(x) {
			p.Input(x)[j] = r.NormFloat64()
		}
		again := 0
		for _, seg := range p.segments {
			for _, s := range seg.steps {
				if s.again != nil {
					again++
				}
			}
		}
		if (again > 0) != (i == 0) {
			t.Fatalf("%d activations are computed again, and %d kept", again, len(outputs))
		}
		for range 2 {
			if err := p.Run(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		grads[i], bytes[i] = slices.Clone(params.Grad), p.Bytes()
	}
	if !slices.Equal(grads[0], grads[1]) {
		t.Error("the gradients differ")
	}
	if bytes[0] >= bytes[1] {
		t.Errorf("%d bytes where activations are computed again, %d where they are kept", bytes[0], bytes[1])
	}
}
