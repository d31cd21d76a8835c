// SPDX-License-Identifier: Apache-2.0

package student

import (
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// Trunk is a copy of the part that is trained: the inputs and what leads from
// them to the logits, which are its one output. The closing nodes, an ArgMax for
// instance, need no gradient and no operator of the engine.
func (s *Student) Trunk() *onnx.Graph {
	g := s.Model.Graph.Clone()
	needed := map[string]bool{s.Logits: true}
	var nodes []*onnx.Node
	for _, n := range slices.Backward(g.Nodes) {
		if !slices.ContainsFunc(n.Outputs, func(o string) bool { return needed[o] }) {
			continue
		}
		nodes = append(nodes, n)
		for _, in := range n.Inputs {
			needed[in] = true
		}
	}
	slices.Reverse(nodes)
	g.Nodes = nodes
	g.Initializers = slices.DeleteFunc(g.Initializers, func(t *onnx.Tensor) bool { return !needed[t.Name] })
	g.Outputs = []*onnx.Value{{Name: s.Logits, Kind: "tensor", Type: onnx.Float32}}
	return g
}
