// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// zeroStates leaves out initial states of recurrent layers that are all zero,
// which is what an omitted one means. Exporters write them as a ConstantOfShape
// whose shape is computed from the batch.
//
// LSTM: https://onnx.ai/onnx/operators/onnx__LSTM.html; GRU and RNN have the first
// of the two states.
func zeroStates(m *onnx.Model) error {
	g := m.Graph
	producers := g.Producers()
	for _, n := range g.Nodes {
		if !standard(n) || !slices.Contains([]string{"LSTM", "GRU", "RNN"}, n.OpType) {
			continue
		}
		for i := 5; i < min(len(n.Inputs), 7); i++ {
			if zero(g, producers, n.Inputs[i]) {
				n.Inputs[i] = ""
			}
		}
	}
	return nil
}

// zero says whether a tensor holds nothing but zeros.
func zero(g *onnx.Graph, producers map[string]*onnx.Node, name string) bool {
	p := producers[name]
	for p != nil && standard(p) && len(p.Inputs) > 0 && slices.Contains([]string{"Expand", "Unsqueeze", "Identity", "Reshape", "Cast", "Slice"}, p.OpType) {
		name = p.Inputs[0]
		p = producers[name]
	}
	if p == nil {
		t := constant(g, name)
		if t == nil || t.Type == onnx.StringType {
			return false
		}
		return !slices.ContainsFunc(t.Data, func(b byte) bool { return b != 0 })
	}
	if p.OpType != "ConstantOfShape" || !standard(p) {
		return false
	}
	a := p.Attr("value")
	return a == nil || a.T == nil || !slices.ContainsFunc(a.T.Data, func(b byte) bool { return b != 0 })
}
