// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"math/rand/v2"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

// shaped is a net that reads its batch from a Shape: tokens are gathered from a
// table, and reshaped to what Concat puts together from the batch and a constant.
func shaped() net {
	r := rand.New(rand.NewPCG(9, 5))
	g := &onnx.Graph{Name: "shaped"}
	b := onnx.NewBuilder(g, "")
	x := b.Input("x", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(3), onnx.Fixed(4))
	h := b.Op("Tanh", []string{x})
	dims := b.OpNamed("dims", "Shape", []string{h})
	n := b.Op("Gather", []string{dims, b.Int64("first", []int64{1}, []int64{0})})
	to := b.OpNamed("to", "Concat", []string{n, b.Int64("rest", []int64{1}, []int64{12})}, onnx.Int("axis", 0))
	h = b.OpNamed("rows", "Reshape", []string{h, to})
	token := b.Op("Expand", []string{b.Float32("token", []int64{1, 2}, random(r, 1, 2)), b.Op("Concat", []string{n, b.Int64("one", []int64{1}, []int64{1})}, onnx.Int("axis", 0))})
	h = b.OpNamed("all", "Concat", []string{token, h}, onnx.Int("axis", 1))
	h = b.Op("MatMul", []string{h, b.Float32("w", []int64{14, 3}, random(r, 14, 3))})
	h = b.Op("Mul", []string{h, h})
	return net{graph: g, inputs: map[string]int{"x": 12}, loss: b.Op("ReduceSum", []string{h, b.Int64("axes", []int64{1}, []int64{1})}, onnx.Int("keepdims", 0))}
}

// TestKnownOutputs checks that what shapes decide is no work of a run, and that the
// samples stay apart on the way.
func TestKnownOutputs(t *testing.T) {
	p, _ := run[float32](t, shaped(), Options{Batch: 6, Shards: 2, SliceBytes: 1})
	for _, n := range p.nodes {
		if n.def.OpType == "Shape" || n.def.OpType == "Gather" || n.def.Name == "to" {
			t.Errorf("node %s (%s) is run", n.def.Name, n.def.OpType)
		}
		if n.kernel.Whole {
			t.Errorf("node %s (%s) sees the whole batch", n.def.Name, n.def.OpType)
		}
	}
	if s := p.tensors["to"]; s.Const == nil || s.fixed[0] != 6 || s.fixed[1] != 12 {
		t.Errorf("the shape is %v", s.fixed)
	}
	if s := p.Shape("all"); s[0] != 6 || s[1] != 14 {
		t.Errorf("shape %v", s)
	}
}

// TestStraightThroughGradient trains through a pair of QuantizeLinear and
// DequantizeLinear, whose integers carry the gradient.
func TestStraightThroughGradient(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 6))
	g := &onnx.Graph{Name: "quantised"}
	b := onnx.NewBuilder(g, "")
	x := b.Input("x", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(4))
	w := b.Float32("w", []int64{4, 3}, random(r, 4, 3))
	scale := b.Float32("scale", nil, []float32{0.01})
	zero := b.Init(&onnx.Tensor{Name: "zero", Type: onnx.Int8, Data: []byte{0}})
	q := b.Op("QuantizeLinear", []string{w, scale, zero})
	h := b.Op("MatMul", []string{x, b.Op("DequantizeLinear", []string{q, scale, zero})})
	loss := b.Op("ReduceSum", []string{h, b.Int64("axes", []int64{1}, []int64{1})}, onnx.Int("keepdims", 0))
	n := net{graph: g, inputs: map[string]int{"x": 4}, loss: loss}
	p, params := run[float32](t, n, Options{Batch: 4, Losses: []string{loss}})
	if len(params.List) != 1 || params.List[0].Name != "w" {
		t.Fatalf("trained are %v", params.List)
	}
	in := p.Input("x")
	for i := range 4 {
		var want float32
		for s := range 4 {
			want += in[s*4+i] / 4
		}
		for j := range 3 {
			if d := params.Grad[i*3+j] - want; d > 1e-5 || d < -1e-5 {
				t.Errorf("gradient %d is %g, want %g", i*3+j, params.Grad[i*3+j], want)
			}
		}
	}
}
