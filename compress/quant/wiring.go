// SPDX-License-Identifier: Apache-2.0

package quant

import "github.com/kdcompress/kdcompress/onnx"

// wiring is who computes and who reads each tensor of a graph.
type wiring struct {
	g        *onnx.Graph
	opset    int64
	producer map[string]*onnx.Node
	readers  map[string][]*onnx.Node
	outputs  map[string]bool
	below    map[string]bool // read from inside a subgraph
	given    map[string]bool // graph inputs
	init     map[string]*onnx.Tensor
}

func newWiring(m *onnx.Model) *wiring {
	w := &wiring{g: m.Graph, opset: m.Opset(""), producer: m.Graph.Producers(), readers: m.Graph.Consumers(),
		outputs: map[string]bool{}, below: map[string]bool{}, given: map[string]bool{}, init: map[string]*onnx.Tensor{}}
	for _, v := range m.Graph.Outputs {
		w.outputs[v.Name] = true
	}
	for _, v := range m.Graph.Inputs {
		w.given[v.Name] = true
	}
	for _, n := range m.Graph.Nodes {
		for _, sub := range n.Graphs() {
			for _, name := range sub.FreeNames() {
				w.below[name] = true
			}
		}
	}
	for _, t := range m.Graph.Initializers {
		w.init[t.Name] = t
	}
	return w
}

// constant is the initializer of that name that no caller can override, nil if
// there is none.
func (w *wiring) constant(name string) *onnx.Tensor {
	if w.given[name] {
		return nil
	}
	return w.init[name]
}

// float are the elements of a float32 constant, nil if it is none.
func (w *wiring) float(name string) []float32 {
	t := w.constant(name)
	if t == nil || t.Type != onnx.Float32 {
		return nil
	}
	v, err := onnx.Values[float32](t)
	if err != nil {
		return nil
	}
	return v
}

// only says that n alone reads the tensor.
func (w *wiring) only(name string, n *onnx.Node) bool {
	r := w.readers[name]
	return len(r) == 1 && r[0] == n && !w.outputs[name] && !w.below[name]
}

// standard says whether a node's operator is one of ONNX's own.
func standard(n *onnx.Node) bool { return n.Domain == "" || n.Domain == "ai.onnx" }

// title is what a node is called in a report: its name, else its first output.
func title(n *onnx.Node) string {
	if n.Name != "" {
		return n.Name
	}
	for _, o := range n.Outputs {
		if o != "" {
			return o
		}
	}
	return n.OpType
}
