// SPDX-License-Identifier: Apache-2.0

package onnx

import "github.com/kdcompress/kdcompress/onnx/internal/pb"

// Model is an ONNX model: a graph and the operator sets it is written in.
type Model struct {
	IRVersion       int64
	Opsets          []Opset
	ProducerName    string
	ProducerVersion string
	Domain          string
	ModelVersion    int64
	Doc             string
	Metadata        []Property
	Graph           *Graph

	// rest carries what this package does not interpret (functions, training
	// information, device configurations), so that saving loses nothing.
	rest *pb.ModelProto
}

// Opset names an operator set and its version. Domain "" is ai.onnx.
type Opset struct {
	Domain  string
	Version int64
}

// Property is a key and a value of a metadata list. Lists keep their order.
type Property struct{ Key, Value string }

// Graph is a list of nodes in topological order with the tensors they share by name.
type Graph struct {
	Name         string
	Doc          string
	Nodes        []*Node
	Initializers []*Tensor
	Inputs       []*Value
	Outputs      []*Value
	ValueInfo    []*Value

	rest *pb.GraphProto
}

// Node applies an operator. An empty name in Inputs or Outputs is an omitted
// optional operand.
type Node struct {
	Name    string
	OpType  string
	Domain  string
	Inputs  []string
	Outputs []string
	Attrs   []Attr
	Doc     string

	rest *pb.NodeProto
}

// Value names a graph input, output or intermediate and its type. Type is
// Undefined and Dims nil where the file does not say, or where the type is not
// a tensor (then Kind says what it is). A tensor of unknown rank has Ranked false.
type Value struct {
	Name   string
	Kind   string // "tensor", or "sequence", "map", "optional", "sparse_tensor", "opaque", "" if unknown
	Type   DataType
	Ranked bool
	Dims   []Dim
	Doc    string

	rest *pb.ValueInfoProto
}

// Dim is one dimension of a declared shape: a size, a symbol, or unknown.
type Dim struct {
	Size  int64  // -1 when symbolic or unknown
	Param string // the symbol, "" when fixed or unknown
}

// Fixed is a dimension of a known size.
func Fixed(n int64) Dim { return Dim{Size: n} }

// Symbolic is a dimension known by name only.
func Symbolic(name string) Dim { return Dim{Size: -1, Param: name} }

// Opset returns the version the model imports for domain, 0 if none.
// "ai.onnx" and "" are the same domain.
func (m *Model) Opset(domain string) int64 {
	for _, o := range m.Opsets {
		if plainDomain(o.Domain) == plainDomain(domain) {
			return o.Version
		}
	}
	return 0
}

// plainDomain gives the domain of the standard operators its short name.
func plainDomain(d string) string {
	if d == "ai.onnx" {
		return ""
	}
	return d
}

// Property returns the metadata value stored under key.
func (m *Model) Property(key string) (string, bool) {
	for _, p := range m.Metadata {
		if p.Key == key {
			return p.Value, true
		}
	}
	return "", false
}

// SetProperty stores a metadata value, replacing one of the same key in place.
func (m *Model) SetProperty(key, value string) {
	for i := range m.Metadata {
		if m.Metadata[i].Key == key {
			m.Metadata[i].Value = value
			return
		}
	}
	m.Metadata = append(m.Metadata, Property{key, value})
}

// Initializer returns the initializer called name, nil if there is none.
func (g *Graph) Initializer(name string) *Tensor {
	for _, t := range g.Initializers {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// DataInputs returns the graph inputs that a caller must feed: those that no
// initializer of the same name gives a value (files with IR version below 4
// list their weights as inputs).
func (g *Graph) DataInputs() []*Value {
	weights := make(map[string]bool, len(g.Initializers))
	for _, t := range g.Initializers {
		weights[t.Name] = true
	}
	var in []*Value
	for _, v := range g.Inputs {
		if !weights[v.Name] {
			in = append(in, v)
		}
	}
	return in
}

// Producers maps every tensor name to the node that computes it.
func (g *Graph) Producers() map[string]*Node {
	p := make(map[string]*Node, len(g.Nodes))
	for _, n := range g.Nodes {
		for _, o := range n.Outputs {
			if o != "" {
				p[o] = n
			}
		}
	}
	return p
}

// Consumers maps every tensor name to the nodes that read it, in graph order.
// Reads from inside subgraphs are not included.
func (g *Graph) Consumers() map[string][]*Node {
	c := make(map[string][]*Node, len(g.Nodes))
	for _, n := range g.Nodes {
		for _, in := range n.Inputs {
			if in != "" {
				c[in] = append(c[in], n)
			}
		}
	}
	return c
}
