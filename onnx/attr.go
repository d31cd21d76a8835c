// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"slices"

	"github.com/kdcompress/kdcompress/onnx/internal/pb"
)

// AttrKind says which field of an Attr holds its value.
type AttrKind int

// The kinds, numbered as AttributeProto.AttributeType numbers them.
const (
	AttrFloat   AttrKind = 1
	AttrInt     AttrKind = 2
	AttrString  AttrKind = 3
	AttrTensor  AttrKind = 4
	AttrGraph   AttrKind = 5
	AttrFloats  AttrKind = 6
	AttrInts    AttrKind = 7
	AttrStrings AttrKind = 8
	AttrTensors AttrKind = 9
	AttrGraphs  AttrKind = 10
	// AttrOther is a kind kept as it was read and not interpreted.
	AttrOther AttrKind = 0
)

// Attr is a named attribute of a node.
type Attr struct {
	Name    string
	Kind    AttrKind
	F       float32
	I       int64
	S       []byte
	T       *Tensor
	G       *Graph
	Floats  []float32
	Ints    []int64
	Strings [][]byte
	Tensors []*Tensor
	Graphs  []*Graph

	rest *pb.AttributeProto
}

// Int is an integer attribute.
func Int(name string, v int64) Attr { return Attr{Name: name, Kind: AttrInt, I: v} }

// Ints is a list-of-integers attribute.
func Ints(name string, v ...int64) Attr {
	return Attr{Name: name, Kind: AttrInts, Ints: slices.Clone(v)}
}

// Float is a float attribute.
func Float(name string, v float32) Attr { return Attr{Name: name, Kind: AttrFloat, F: v} }

// String is a string attribute.
func String(name, v string) Attr { return Attr{Name: name, Kind: AttrString, S: []byte(v)} }

// Attr returns the attribute called name, nil if the node has none.
func (n *Node) Attr(name string) *Attr {
	for i := range n.Attrs {
		if n.Attrs[i].Name == name {
			return &n.Attrs[i]
		}
	}
	return nil
}

// Int returns an integer attribute, or def where the node has none.
func (n *Node) Int(name string, def int64) int64 {
	if a := n.Attr(name); a != nil && a.Kind == AttrInt {
		return a.I
	}
	return def
}

// Ints returns a list-of-integers attribute, or def where the node has none.
func (n *Node) Ints(name string, def []int64) []int64 {
	if a := n.Attr(name); a != nil && a.Kind == AttrInts {
		return a.Ints
	}
	return def
}

// Float returns a float attribute, or def where the node has none.
func (n *Node) Float(name string, def float32) float32 {
	if a := n.Attr(name); a != nil && a.Kind == AttrFloat {
		return a.F
	}
	return def
}

// String returns a string attribute, or def where the node has none.
func (n *Node) String(name, def string) string {
	if a := n.Attr(name); a != nil && a.Kind == AttrString {
		return string(a.S)
	}
	return def
}

// SetAttr stores an attribute, replacing one of the same name in place.
func (n *Node) SetAttr(a Attr) {
	if old := n.Attr(a.Name); old != nil {
		*old = a
		return
	}
	n.Attrs = append(n.Attrs, a)
}
