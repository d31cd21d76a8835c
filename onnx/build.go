// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"slices"
	"strconv"
)

// Builder appends nodes and constants to a graph under names that are free in it.
// It is for graphs made by the program; a wrong use panics or is found by Check.
type Builder struct {
	// G is the graph that grows.
	G *Graph

	prefix string
	used   map[string]bool
	count  map[string]int
}

// NewBuilder builds on g. Names it makes up begin with prefix and avoid all names
// of g and its subgraphs.
func NewBuilder(g *Graph, prefix string) *Builder {
	b := &Builder{G: g, prefix: prefix, used: map[string]bool{}, count: map[string]int{}}
	b.claim(g)
	return b
}

// claim marks every name of a graph as used.
func (b *Builder) claim(g *Graph) {
	for name := range g.Defined() {
		b.used[name] = true
	}
	for _, list := range [][]*Value{g.Outputs, g.ValueInfo} {
		for _, v := range list {
			b.used[v.Name] = true
		}
	}
	for _, n := range g.Nodes {
		b.used[n.Name] = true
		for _, in := range n.Inputs {
			b.used[in] = true
		}
		for _, sub := range n.Graphs() {
			b.claim(sub)
		}
	}
}

// Name reserves a name: the prefix and stem, and a number where that is taken.
func (b *Builder) Name(stem string) string {
	base := b.prefix + stem
	name := base
	for b.used[name] || name == "" {
		b.count[base]++
		name = base + "_" + strconv.Itoa(b.count[base])
	}
	b.used[name] = true
	return name
}

// Op appends a node of one output and returns the name of that output. An empty
// name in in is an omitted operand.
func (b *Builder) Op(opType string, in []string, attrs ...Attr) string {
	return b.OpNamed(opType, opType, in, attrs...)
}

// OpNamed is Op with a stem for the name, shared by the node and its output.
func (b *Builder) OpNamed(stem, opType string, in []string, attrs ...Attr) string {
	return b.OpMulti(stem, opType, in, 1, attrs...)[0]
}

// OpMulti appends a node of several outputs and returns their names.
func (b *Builder) OpMulti(stem, opType string, in []string, outputs int, attrs ...Attr) []string {
	name := b.Name(stem)
	out := []string{name}
	for len(out) < outputs {
		out = append(out, b.Name(stem))
	}
	b.G.Nodes = append(b.G.Nodes, &Node{
		Name: name, OpType: opType, Inputs: slices.Clone(in), Outputs: slices.Clone(out), Attrs: slices.Clone(attrs),
	})
	return out
}

// Init appends t as an initializer, renamed to a free name, which it returns.
func (b *Builder) Init(t *Tensor) string {
	t.Name = b.Name(t.Name)
	b.G.Initializers = append(b.G.Initializers, t)
	return t.Name
}

// Float32 appends a float initializer holding a copy of v. It panics where dims
// and the number of values differ. No dims make a scalar.
func (b *Builder) Float32(stem string, dims []int64, v []float32) string {
	return b.Init(NewFloat32(stem, dims, v))
}

// Int64 appends an integer initializer holding a copy of v. It panics where dims
// and the number of values differ. No dims make a scalar.
func (b *Builder) Int64(stem string, dims []int64, v []int64) string {
	return b.Init(NewInt64(stem, dims, v))
}

// Input declares a graph input under exactly this name. It panics if the name is taken.
func (b *Builder) Input(name string, t DataType, dims ...Dim) string {
	if b.used[name] || name == "" {
		panic("onnx: the name of a graph input is taken")
	}
	b.used[name] = true
	b.G.Inputs = append(b.G.Inputs, NewValue(name, t, dims...))
	return name
}

// Output declares a tensor as a graph output.
func (b *Builder) Output(name string, t DataType, dims ...Dim) {
	b.G.Outputs = append(b.G.Outputs, NewValue(name, t, dims...))
}

// NewValue is a tensor value of known rank.
func NewValue(name string, t DataType, dims ...Dim) *Value {
	return &Value{Name: name, Kind: kindTensor, Type: t, Ranked: true, Dims: slices.Clone(dims)}
}
