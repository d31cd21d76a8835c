// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
)

// TestSlim: what exporters leave behind goes, the answers stay bit for bit, and doing
// it again changes nothing.
func TestSlim(t *testing.T) {
	library(t)
	for _, c := range nets {
		_, q := static(t, model(c.name), "minmax")
		note := strings.Repeat("a stack trace ", 10)
		for _, n := range q.Graph.Nodes {
			n.Doc = note
		}
		for _, i := range q.Graph.Initializers {
			i.Doc = note
		}
		q.Doc, q.Graph.Doc = "of the model", "of the graph"
		f := samples(q, 2, 5)
		want, before := outputs(t, q, f, ort.Options{}), len(encoded(t, q))
		Slim(q)
		b := encoded(t, q)
		if got := outputs(t, q, f, ort.Options{}); !slices.Equal(got, want) {
			t.Errorf("%s: other answers", c.name)
		}
		if bytes.Contains(b, []byte("a stack trace")) || len(b) >= before || q.Doc == "" || q.Graph.Doc == "" {
			t.Errorf("%s: %d bytes of %d", c.name, len(b), before)
		}
		fused, err := Fused(b)
		if err != nil || len(fused.Stray) > 0 || fused.Integer != c.count {
			t.Errorf("%s: %+v, %v", c.name, fused, err)
		}
		if Slim(q); !bytes.Equal(encoded(t, q), b) {
			t.Errorf("%s: it changes again", c.name)
		}
	}
}

// TestSlimKeepsInterface: initializers that callers can override, that are outputs,
// or that a subgraph reads are not merged with others.
func TestSlimKeepsInterface(t *testing.T) {
	g := &onnx.Graph{Name: "shared"}
	b := onnx.NewBuilder(g, "")
	x := b.Input("x", onnx.Float32, onnx.Symbolic("N"))
	one := b.Float32("one", nil, []float32{1})
	given := b.Float32("given", nil, []float32{1})
	g.Inputs = append(g.Inputs, &onnx.Value{Name: given, Type: onnx.Float32, Kind: "tensor", Ranked: true})
	out := b.Float32("out", nil, []float32{1})
	again := b.Float32("again", nil, []float32{1})
	for _, c := range []string{one, given, out, again} {
		x = b.Op("Mul", []string{x, c})
	}
	b.Output(x, onnx.Float32, onnx.Symbolic("N"))
	b.Output(out, onnx.Float32)
	m := &onnx.Model{IRVersion: 8, Opsets: []onnx.Opset{{Version: 13}}, Graph: g}
	Slim(m)
	var read []string
	for _, n := range g.Nodes {
		read = append(read, n.Inputs[1])
	}
	if want := []string{"one", "given", "out", "one"}; !slices.Equal(read, want) || len(g.Initializers) != 3 {
		t.Errorf("reads %v of %d initializers, want %v of 3", read, len(g.Initializers), want)
	}
	if err := m.Check(); err != nil {
		t.Error(err)
	}
}
