// SPDX-License-Identifier: Apache-2.0

package onnx

// Graphs returns the graphs held by the node's attributes: the branches of an
// If, the body of a Loop or Scan.
func (n *Node) Graphs() []*Graph {
	var out []*Graph
	for i := range n.Attrs {
		if g := n.Attrs[i].G; g != nil {
			out = append(out, g)
		}
		out = append(out, n.Attrs[i].Graphs...)
	}
	return out
}

// Reads returns every tensor name the node needs: its inputs, in order and
// without omitted ones, then what its subgraphs take from the graph around them.
func (n *Node) Reads() []string {
	var out []string
	for _, in := range n.Inputs {
		if in != "" {
			out = append(out, in)
		}
	}
	for _, g := range n.Graphs() {
		out = append(out, g.FreeNames()...)
	}
	return out
}

// FreeNames returns the names that the graph's nodes and outputs read and that
// it does not define itself, each once, in order of first use.
func (g *Graph) FreeNames() []string {
	own := g.Defined()
	var out []string
	use := func(name string) {
		if name != "" && !own[name] {
			own[name] = true
			out = append(out, name)
		}
	}
	for _, n := range g.Nodes {
		for _, name := range n.Reads() {
			use(name)
		}
	}
	for _, v := range g.Outputs {
		use(v.Name)
	}
	return out
}

// Defined is the set of names that the graph gives a value, subgraphs apart.
func (g *Graph) Defined() map[string]bool {
	d := make(map[string]bool, len(g.Nodes)+len(g.Initializers)+len(g.Inputs))
	for _, v := range g.Inputs {
		d[v.Name] = true
	}
	for _, t := range g.Initializers {
		d[t.Name] = true
	}
	for _, t := range g.rest.GetSparseInitializer() {
		d[t.GetValues().GetName()] = true
	}
	for _, n := range g.Nodes {
		for _, o := range n.Outputs {
			d[o] = true
		}
	}
	return d
}
