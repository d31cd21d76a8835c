// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// standard says whether a node's operator is one of ONNX's own.
func standard(n *onnx.Node) bool { return n.Domain == "" || n.Domain == "ai.onnx" }

// outputSet is the set of a graph's output names.
func outputSet(g *onnx.Graph) map[string]bool {
	s := make(map[string]bool, len(g.Outputs))
	for _, v := range g.Outputs {
		s[v.Name] = true
	}
	return s
}

// readers counts the nodes that read each name, from inside subgraphs too.
func readers(g *onnx.Graph) map[string]int {
	c := map[string]int{}
	for _, n := range g.Nodes {
		seen := map[string]bool{}
		for _, name := range n.Reads() {
			if !seen[name] {
				seen[name] = true
				c[name]++
			}
		}
	}
	return c
}

// constant returns the initializer behind a name that cannot be overridden by a
// caller, nil if there is none.
func constant(g *onnx.Graph, name string) *onnx.Tensor {
	if slices.ContainsFunc(g.Inputs, func(v *onnx.Value) bool { return v.Name == name }) {
		return nil
	}
	return g.Initializer(name)
}

// bypass makes every reader of the name to read from instead, so that the node
// that computes to out of from can go. Where to is a graph output, its producer
// takes on that name. It reports false, with the graph as it was, if names forbid it.
func bypass(g *onnx.Graph, from, to string) bool {
	outputs := outputSet(g)
	if !outputs[to] {
		if capturedBelow(g, to, from) {
			return false
		}
		renameReads(g, to, from)
		dropInfo(g, to)
		return true
	}
	at := slices.IndexFunc(g.Nodes, func(n *onnx.Node) bool { return slices.Contains(n.Outputs, from) })
	if at < 0 || outputs[from] || capturedBelow(g, from, to) {
		return false
	}
	for i, o := range g.Nodes[at].Outputs {
		if o == from {
			g.Nodes[at].Outputs[i] = to
		}
	}
	renameReads(g, from, to)
	dropInfo(g, from)
	return true
}

// capturedBelow says whether a subgraph that reads old defines the name new
// itself, which would then mean another tensor there.
func capturedBelow(g *onnx.Graph, old, new string) bool {
	for _, n := range g.Nodes {
		for _, sub := range n.Graphs() {
			if slices.Contains(sub.FreeNames(), old) && (sub.Defined()[new] || capturedBelow(sub, old, new)) {
				return true
			}
		}
	}
	return false
}

// renameReads replaces a name where nodes of the graph and its subgraphs read it.
func renameReads(g *onnx.Graph, old, new string) {
	for _, n := range g.Nodes {
		for i, in := range n.Inputs {
			if in == old {
				n.Inputs[i] = new
			}
		}
		for _, sub := range n.Graphs() {
			if !sub.Defined()[old] {
				renameReads(sub, old, new)
			}
		}
	}
}

// dropInfo removes what a graph says about the type of an intermediate.
func dropInfo(g *onnx.Graph, name string) {
	g.ValueInfo = slices.DeleteFunc(g.ValueInfo, func(v *onnx.Value) bool { return v.Name == name })
}
