// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// smallest is the number of bytes up to which equal initializers are shared: scalars,
// bounds, zero points a channel.
const smallest = 4096

// Slim takes out of a model, in place, what no runtime reads: notes on nodes and
// tensors (exporters put stack traces there), shapes of tensors inside, attributes
// that say what the standard assumes anyway, initializers that nobody reads, and
// small ones that repeat others.
func Slim(m *onnx.Model) {
	g := m.Graph
	g.ValueInfo = nil
	g.DropNotes()
	for _, n := range g.Nodes {
		if standard(n) && n.OpType == "Conv" {
			n.Attrs = slices.DeleteFunc(n.Attrs, assumed)
		}
	}
	shareInitializers(m)
	dropUnread(g)
}

// assumed says that a Conv's attribute has the value that it has when absent.
func assumed(a onnx.Attr) bool {
	all := func(v int64) bool {
		return !slices.ContainsFunc(a.Ints, func(x int64) bool { return x != v })
	}
	switch a.Name {
	case "group":
		return a.I == 1
	case "dilations", "strides":
		return all(1)
	case "pads":
		return all(0)
	}
	return false
}

// shareInitializers lets nodes read one of several small initializers of the same
// type, shape and bytes.
func shareInitializers(m *onnx.Model) {
	w := newWiring(m)
	first, same := map[string]string{}, map[string]string{}
	for _, t := range m.Graph.Initializers {
		if len(t.Data) == 0 || len(t.Data) > smallest || w.constant(t.Name) == nil || w.outputs[t.Name] || w.below[t.Name] {
			continue
		}
		key := fmt.Sprintf("%v %v %x", t.Type, t.Dims, t.Data)
		if first[key] == "" {
			first[key] = t.Name
		}
		same[t.Name] = first[key]
	}
	for _, n := range m.Graph.Nodes {
		for i, in := range n.Inputs {
			if s := same[in]; s != "" {
				n.Inputs[i] = s
			}
		}
	}
}
