// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func node(op string, in, out []string) *Node {
	return &Node{Name: out[0], OpType: op, Inputs: in, Outputs: out}
}

func TestSort(t *testing.T) {
	g := &Graph{Nodes: []*Node{
		node("Add", []string{"b", "c"}, []string{"d"}),
		node("Relu", []string{"a"}, []string{"c"}),
		node("Relu", []string{"x"}, []string{"a"}),
		node("Relu", []string{"a"}, []string{"b"}),
		node("Relu", []string{"x"}, []string{"free"}),
	}}
	if err := g.Sort(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range g.Nodes {
		got = append(got, n.Name)
	}
	if want := "a c b d free"; strings.Join(got, " ") != want {
		t.Errorf("order %v, want %s", got, want)
	}
	g.Nodes[1].Inputs[0] = "d"
	before := slices.Clone(g.Nodes)
	if err := g.Sort(); err == nil || !strings.Contains(err.Error(), "node c (Relu): waits for its own output") {
		t.Errorf("cycle: %v", err)
	}
	if !slices.Equal(before, g.Nodes) {
		t.Error("a cycle changes the order")
	}
}

// TestSortSubgraph has a branch that reads what a later node computes.
func TestSortSubgraph(t *testing.T) {
	m := branch(2)
	n := m.Graph.Nodes[0]
	for _, g := range n.Graphs() {
		g.Nodes[0].Inputs[0] = "late"
	}
	m.Graph.Nodes = append(m.Graph.Nodes, node("Neg", []string{"x"}, []string{"late"}))
	if m.Check() == nil {
		t.Error("a branch that reads a later tensor passes Check")
	}
	if err := m.Graph.Sort(); err != nil {
		t.Fatal(err)
	}
	if err := m.Check(); err != nil {
		t.Error(err)
	}
	if r := n.Reads(); !slices.Equal(r, []string{"c", "late", "late"}) {
		t.Errorf("the If reads %v", r)
	}
}

// TestCloneIsDeep changes everything in a clone.
func TestCloneIsDeep(t *testing.T) {
	m, err := Decode(typedModel(t))
	if err != nil {
		t.Fatal(err)
	}
	m.Graph.Nodes = append(m.Graph.Nodes, branch(2).Graph.Nodes...)
	m.Graph.Inputs = append(m.Graph.Inputs, NewValue("c", Bool))
	m.Graph.Nodes[0].Attrs = append(m.Graph.Nodes[0].Attrs, String("s", "abc"), Ints("i", 1, 2),
		Attr{Name: "f", Kind: AttrFloats, Floats: []float32{1}}, Attr{Name: "ss", Kind: AttrStrings, Strings: [][]byte{[]byte("q")}},
		Attr{Name: "ts", Kind: AttrTensors, Tensors: []*Tensor{NewInt64("", nil, []int64{1})}},
		Attr{Name: "gs", Kind: AttrGraphs, Graphs: []*Graph{branch(2).Graph}})
	before := encoded(t, m)
	c := m.Clone()
	scramble(c.Graph)
	c.Opsets[0].Version, c.Metadata[0].Value = 1, "other"
	if !bytes.Equal(before, encoded(t, m)) {
		t.Error("changing the clone changes the model")
	}
}

func scramble(g *Graph) {
	fill := func(t *Tensor) {
		for i := range t.Data {
			t.Data[i]++
		}
		for _, s := range t.Strings {
			copy(s, "#")
		}
		for i := range t.Dims {
			t.Dims[i]++
		}
	}
	for _, t := range g.Initializers {
		fill(t)
	}
	for _, v := range slices.Concat(g.Inputs, g.Outputs, g.ValueInfo) {
		v.Name += "#"
		for i := range v.Dims {
			v.Dims[i] = Fixed(99)
		}
	}
	for _, n := range g.Nodes {
		n.Inputs[0], n.Outputs[0] = "#", "#"
		for i := range n.Attrs {
			a := &n.Attrs[i]
			copy(a.S, "#")
			for j := range a.Ints {
				a.Ints[j]++
			}
			for j := range a.Floats {
				a.Floats[j]++
			}
			for _, s := range a.Strings {
				copy(s, "#")
			}
			for _, t := range a.Tensors {
				fill(t)
			}
			a.Name += "#"
		}
		for _, sub := range n.Graphs() {
			scramble(sub)
		}
	}
}

func TestBuilderAvoidsNames(t *testing.T) {
	m := branch(3)
	g := m.Graph
	b := NewBuilder(g, "")
	taken := map[string]bool{}
	NewBuilder(g, "").claim(g)
	for _, n := range append(slices.Clone(g.Nodes), g.Nodes[0].Graphs()[0].Nodes...) {
		taken[n.Name] = true
	}
	for _, stem := range []string{"leaf", "leaf", "x", "ifa", "w", "", ""} {
		name := b.Name(stem)
		if taken[name] || name == "" || g.Defined()[name] {
			t.Errorf("stem %q gives %q", stem, name)
		}
		taken[name] = true
	}
	outs := b.OpMulti("split", "Split", []string{"x"}, 2, Int("axis", 1))
	y := b.Op("Add", []string{outs[0], b.Int64("one", nil, []int64{1})})
	if y != "Add" || outs[0] != "split" || outs[1] != "split_1" {
		t.Errorf("names %v, %s", outs, y)
	}
	if err := m.Check(); err != nil {
		t.Error(err)
	}
	p := NewBuilder(g, "loss/")
	if name := p.Op("Relu", []string{"x"}); name != "loss/Relu" {
		t.Errorf("prefixed name %q", name)
	}
}

func TestBuilderPanics(t *testing.T) {
	cases := map[string]func(b *Builder){
		"input taken":       func(b *Builder) { b.Input("x", Float32) },
		"dims and values":   func(b *Builder) { b.Float32("v", []int64{2}, []float32{1}) },
		"input has no name": func(b *Builder) { b.Input("", Float32) },
	}
	for name, f := range cases {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if s, ok := recover().(string); !ok || !strings.HasPrefix(s, "onnx: ") {
					t.Errorf("panics with %q", s)
				}
			}()
			f(NewBuilder(linear().Graph, ""))
		})
	}
}

func TestOpsetDomains(t *testing.T) {
	m := &Model{Opsets: []Opset{{"ai.onnx", 17}, {"ai.onnx.ml", 3}}}
	for domain, want := range map[string]int64{"": 17, "ai.onnx": 17, "ai.onnx.ml": 3, "acme": 0} {
		if got := m.Opset(domain); got != want {
			t.Errorf("opset of %q is %d, want %d", domain, got, want)
		}
	}
}
