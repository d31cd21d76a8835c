// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// DropDropout returns the model without the Dropout nodes that only training
// needs. One whose mask is read stays, and one that hands a graph input straight
// to a graph output becomes an Identity.
//
// Dropout: https://onnx.ai/onnx/operators/onnx__Dropout.html, since opset 1.
func DropDropout(m *onnx.Model) (*onnx.Model, error) {
	m = m.Clone()
	g := m.Graph
	outputs, reads := outputSet(g), readers(g)
	for _, n := range slices.Clone(g.Nodes) {
		if n.OpType != "Dropout" || !standard(n) || len(n.Inputs) == 0 || len(n.Outputs) == 0 {
			continue
		}
		if len(n.Outputs) > 1 && (outputs[n.Outputs[1]] || reads[n.Outputs[1]] > 0) {
			continue
		}
		if bypass(g, n.Inputs[0], n.Outputs[0]) {
			g.Nodes = slices.DeleteFunc(g.Nodes, func(x *onnx.Node) bool { return x == n })
			continue
		}
		n.OpType, n.Attrs, n.Inputs, n.Outputs = "Identity", nil, n.Inputs[:1], n.Outputs[:1]
	}
	removeDead(g)
	return m, m.Check()
}
