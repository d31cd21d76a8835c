// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"bytes"

	"github.com/kdcompress/kdcompress/onnx"
)

// mostFilled bounds the bytes of a ConstantOfShape that is written out.
const mostFilled = 64 << 20

// constantOfShape turns ConstantOfShape nodes of a constant shape into
// initializers of the same name, so that what they hold can be trained.
//
// ConstantOfShape: https://onnx.ai/onnx/operators/onnx__ConstantOfShape.html,
// since opset 9; without a value it fills with 0 of type float.
func constantOfShape(m *onnx.Model) error {
	g := m.Graph
	outputs := outputSet(g)
	var kept []*onnx.Node
	for _, n := range g.Nodes {
		t := filledTensor(g, n)
		if t == nil || outputs[t.Name] {
			kept = append(kept, n)
			continue
		}
		g.Initializers = append(g.Initializers, t)
		dropInfo(g, t.Name)
	}
	g.Nodes = kept
	return nil
}

// filledTensor is what a ConstantOfShape computes, nil if it is another node, its
// shape is not known, or it is too large.
func filledTensor(g *onnx.Graph, n *onnx.Node) *onnx.Tensor {
	if n.OpType != "ConstantOfShape" || !standard(n) || len(n.Inputs) != 1 || len(n.Outputs) != 1 {
		return nil
	}
	shape := constant(g, n.Inputs[0])
	if shape == nil || shape.Type != onnx.Int64 {
		return nil
	}
	dims, err := onnx.Values[int64](shape)
	if err != nil {
		return nil
	}
	fill := onnx.NewFloat32("", []int64{1}, []float32{0})
	if a := n.Attr("value"); a != nil && a.T != nil {
		fill = a.T
	}
	size := int64(len(fill.Data))
	if fill.Len() != 1 || size == 0 {
		return nil
	}
	count := int64(1)
	for _, d := range dims {
		if d < 0 || (d > 0 && count > mostFilled/size/d) {
			return nil
		}
		count *= d
	}
	return &onnx.Tensor{Name: n.Outputs[0], Type: fill.Type, Dims: dims, Data: bytes.Repeat(fill.Data, int(count))}
}
