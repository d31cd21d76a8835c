// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// identities removes Identity nodes, in subgraphs too. The Identity of an
// initializer becomes an initializer of its own: exporters merge weights that
// happen to be equal, and training must be free to pull them apart. An Identity
// stays where it hands an input, a constant or another output to a graph output,
// or a name of the graph around to a subgraph's output.
func identities(m *onnx.Model) error {
	identitiesOf(m.Graph)
	return nil
}

func identitiesOf(g *onnx.Graph) {
	for _, n := range g.Nodes {
		for _, sub := range n.Graphs() {
			identitiesOf(sub)
		}
	}
	outputs := outputSet(g)
	for _, n := range slices.Clone(g.Nodes) {
		if n.OpType != "Identity" || !standard(n) || len(n.Inputs) != 1 || len(n.Outputs) != 1 || n.Inputs[0] == "" || n.Outputs[0] == "" {
			continue
		}
		from, to := n.Inputs[0], n.Outputs[0]
		if t := constant(g, from); t != nil {
			if outputs[to] {
				continue
			}
			own := t.Clone()
			own.Name = to
			g.Initializers = append(g.Initializers, own)
			dropInfo(g, to)
		} else if !bypass(g, from, to) {
			continue
		}
		g.Nodes = slices.DeleteFunc(g.Nodes, func(x *onnx.Node) bool { return x == n })
	}
}
