// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// RemoveDead returns the model without nodes whose outputs lead to no graph
// output and without initializers that nobody reads. Graph inputs stay, and so
// do initializers listed among them.
func RemoveDead(m *onnx.Model) *onnx.Model {
	m = m.Clone()
	removeDead(m.Graph)
	return m
}

func removeDead(g *onnx.Graph) {
	live := outputSet(g)
	var kept []*onnx.Node
	for _, n := range slices.Backward(g.Nodes) {
		if !slices.ContainsFunc(n.Outputs, func(o string) bool { return live[o] }) {
			continue
		}
		for _, sub := range n.Graphs() {
			removeDead(sub)
		}
		for _, name := range n.Reads() {
			live[name] = true
		}
		kept = append(kept, n)
	}
	slices.Reverse(kept)
	g.Nodes = kept
	for _, v := range g.Inputs {
		live[v.Name] = true
	}
	g.Initializers = slices.DeleteFunc(g.Initializers, func(t *onnx.Tensor) bool { return !live[t.Name] })
	defined := g.Defined()
	g.ValueInfo = slices.DeleteFunc(g.ValueInfo, func(v *onnx.Value) bool { return !defined[v.Name] })
}
