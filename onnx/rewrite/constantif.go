// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// constantIfs puts the branch that is taken in the place of every If whose
// condition does not depend on the samples. What the condition needs is folded
// first, and again after every branch, which may hold the condition of another.
//
// If: https://onnx.ai/onnx/operators/onnx__If.html
func constantIfs(m *onnx.Model) error {
	for range maxBranches {
		at := slices.IndexFunc(m.Graph.Nodes, func(n *onnx.Node) bool { return taken(m.Graph, n) != nil })
		if at < 0 {
			return nil
		}
		inline(m.Graph, at, taken(m.Graph, m.Graph.Nodes[at]))
		if err := constantsOf(m.Graph); err != nil {
			return err
		}
		folded(m.Graph, m.Opset(""))
	}
	return fmt.Errorf("more than %d branches", maxBranches)
}

// maxBranches bounds the branches that are put in place of their If.
const maxBranches = 10000

// taken is the branch that an If always takes, nil if that is not known.
func taken(g *onnx.Graph, n *onnx.Node) *onnx.Graph {
	if n.OpType != "If" || !standard(n) || len(n.Inputs) != 1 {
		return nil
	}
	cond := constant(g, n.Inputs[0])
	if cond == nil || cond.Type != onnx.Bool || cond.Len() != 1 {
		return nil
	}
	name := "else_branch"
	if cond.Data[0] != 0 {
		name = "then_branch"
	}
	if a := n.Attr(name); a != nil && a.G != nil && len(a.G.Outputs) == len(n.Outputs) {
		return a.G
	}
	return nil
}

// inline replaces the node at position at by the nodes of a branch. Names of the
// branch that are taken outside are changed.
func inline(g *onnx.Graph, at int, branch *onnx.Graph) {
	branch = branch.Clone()
	b := onnx.NewBuilder(g, "")
	outside := g.Defined()
	inner := branch.Defined()
	renamed := map[string]string{}
	for _, t := range branch.Initializers {
		if outside[t.Name] {
			renamed[t.Name] = b.Name(t.Name)
			t.Name = renamed[t.Name]
		}
	}
	for _, n := range branch.Nodes {
		for i, o := range n.Outputs {
			if o != "" && outside[o] {
				renamed[o] = b.Name(o)
				n.Outputs[i] = renamed[o]
			}
		}
	}
	for from, to := range renamed {
		renameReads(branch, from, to)
	}
	nodes := branch.Nodes
	for i, v := range branch.Outputs {
		if g.Nodes[at].Outputs[i] == "" {
			continue
		}
		from := v.Name
		if to, ok := renamed[from]; ok && inner[from] {
			from = to
		}
		nodes = append(nodes, &onnx.Node{Name: b.Name("If"), OpType: "Identity", Inputs: []string{from}, Outputs: []string{g.Nodes[at].Outputs[i]}})
	}
	g.Initializers = append(g.Initializers, branch.Initializers...)
	g.Nodes = slices.Concat(g.Nodes[:at], nodes, g.Nodes[at+1:])
}
