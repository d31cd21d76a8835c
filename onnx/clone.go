// SPDX-License-Identifier: Apache-2.0

package onnx

import "slices"

// The rest fields are shared between a value and its clone: they are never
// written to after decoding.

// Clone is a deep copy: no change to either model shows in the other.
func (m *Model) Clone() *Model {
	c := *m
	c.Opsets = slices.Clone(m.Opsets)
	c.Metadata = slices.Clone(m.Metadata)
	c.Graph = m.Graph.Clone()
	return &c
}

// Clone is a deep copy, nil for nil.
func (g *Graph) Clone() *Graph {
	if g == nil {
		return nil
	}
	c := *g
	c.Nodes = cloneAll(g.Nodes, (*Node).Clone)
	c.Initializers = cloneAll(g.Initializers, (*Tensor).Clone)
	c.Inputs = cloneAll(g.Inputs, (*Value).Clone)
	c.Outputs = cloneAll(g.Outputs, (*Value).Clone)
	c.ValueInfo = cloneAll(g.ValueInfo, (*Value).Clone)
	return &c
}

// Clone is a deep copy.
func (n *Node) Clone() *Node {
	c := *n
	c.Inputs = slices.Clone(n.Inputs)
	c.Outputs = slices.Clone(n.Outputs)
	c.Attrs = nil
	for i := range n.Attrs {
		c.Attrs = append(c.Attrs, n.Attrs[i].Clone())
	}
	return &c
}

// Clone is a deep copy.
func (a *Attr) Clone() Attr {
	c := *a
	c.S = slices.Clone(a.S)
	c.T = a.T.Clone()
	c.G = a.G.Clone()
	c.Floats = slices.Clone(a.Floats)
	c.Ints = slices.Clone(a.Ints)
	c.Strings = cloneStrings(a.Strings)
	c.Tensors = cloneAll(a.Tensors, (*Tensor).Clone)
	c.Graphs = cloneAll(a.Graphs, (*Graph).Clone)
	return c
}

// Clone is a deep copy, nil for nil.
func (t *Tensor) Clone() *Tensor {
	if t == nil {
		return nil
	}
	c := *t
	c.Dims = slices.Clone(t.Dims)
	c.Data = slices.Clone(t.Data)
	c.Strings = cloneStrings(t.Strings)
	return &c
}

// Clone is a deep copy.
func (v *Value) Clone() *Value {
	c := *v
	c.Dims = slices.Clone(v.Dims)
	return &c
}

func cloneAll[T any](list []*T, clone func(*T) *T) []*T {
	if list == nil {
		return nil
	}
	out := make([]*T, len(list))
	for i, x := range list {
		out[i] = clone(x)
	}
	return out
}

func cloneStrings(list [][]byte) [][]byte {
	out := slices.Clone(list)
	for i := range out {
		out[i] = slices.Clone(out[i])
	}
	return out
}
