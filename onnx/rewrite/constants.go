// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// constants turns Constant nodes into initializers of the same name, in subgraphs
// too. Sparse constants stay nodes, and so do constants that are a graph output.
//
// Constant: https://onnx.ai/onnx/operators/onnx__Constant.html, since opset 1;
// the value_* forms since 12.
func constants(m *onnx.Model) error { return constantsOf(m.Graph) }

func constantsOf(g *onnx.Graph) error {
	outputs := outputSet(g)
	var kept []*onnx.Node
	for _, n := range g.Nodes {
		for _, sub := range n.Graphs() {
			if err := constantsOf(sub); err != nil {
				return err
			}
		}
		if n.OpType != "Constant" || !standard(n) || len(n.Outputs) != 1 || outputs[n.Outputs[0]] {
			kept = append(kept, n)
			continue
		}
		t, err := constantValue(n)
		switch {
		case err != nil:
			return &onnx.Error{Node: n.Outputs[0], Op: n.OpType, Err: err}
		case t == nil:
			kept = append(kept, n)
		default:
			t.Name = n.Outputs[0]
			g.Initializers = append(g.Initializers, t)
		}
	}
	g.Nodes = kept
	return nil
}

// constantValue returns the value of a Constant node, nil if it is sparse.
func constantValue(n *onnx.Node) (*onnx.Tensor, error) {
	for _, a := range n.Attrs {
		switch {
		case a.Name == "value" && a.Kind == onnx.AttrTensor:
			return a.T.Clone(), nil
		case a.Name == "value_float" && a.Kind == onnx.AttrFloat:
			return onnx.NewFloat32("", nil, []float32{a.F}), nil
		case a.Name == "value_floats" && a.Kind == onnx.AttrFloats:
			return onnx.NewFloat32("", []int64{int64(len(a.Floats))}, a.Floats), nil
		case a.Name == "value_int" && a.Kind == onnx.AttrInt:
			return onnx.NewInt64("", nil, []int64{a.I}), nil
		case a.Name == "value_ints" && a.Kind == onnx.AttrInts:
			return onnx.NewInt64("", []int64{int64(len(a.Ints))}, a.Ints), nil
		case a.Name == "value_string" && a.Kind == onnx.AttrString:
			return &onnx.Tensor{Type: onnx.StringType, Strings: [][]byte{slices.Clone(a.S)}}, nil
		case a.Name == "value_strings" && a.Kind == onnx.AttrStrings:
			return &onnx.Tensor{Type: onnx.StringType, Dims: []int64{int64(len(a.Strings))}, Strings: a.Clone().Strings}, nil
		case a.Name == "sparse_value":
			return nil, nil
		}
	}
	return nil, fmt.Errorf("has no value in any of its %d attributes", len(n.Attrs))
}
