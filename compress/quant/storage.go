// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"math"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// castCosts is about what a Cast takes in a file: smaller tensors would grow.
const castCosts = 64

// float16Most is the largest float16 number.
const float16Most = 65504

// Storage returns the model with its float32 initializers of at least fewest
// elements stored as float16, each behind a Cast, and how many. ONNX Runtime
// widens them once, when a session begins: nothing is computed in float16, nothing
// gets slower. An initializer with a number that float16 cannot hold stays, and so
// does one that a caller may override, and the scales of integers, which are exact.
func Storage(m *onnx.Model, fewest int) (*onnx.Model, int) {
	m = m.Clone()
	w := newWiring(m)
	b := onnx.NewBuilder(m.Graph, "")
	var casts []*onnx.Node
	for _, t := range m.Graph.Initializers {
		if t.Len() < max(fewest, castCosts) || w.given[t.Name] || w.outputs[t.Name] || w.isScale(t.Name) {
			continue
		}
		v := w.float(t.Name)
		if v == nil || !fitsFloat16(v) {
			continue
		}
		name := t.Name
		t.Name, t.Type, t.Data = b.Name("h"), onnx.Float16, onnx.FloatData(onnx.Float16, v)
		casts = append(casts, &onnx.Node{OpType: "Cast", Inputs: []string{t.Name}, Outputs: []string{name},
			Attrs: []onnx.Attr{onnx.Int("to", int64(onnx.Float32))}})
	}
	m.Graph.Nodes = append(casts, m.Graph.Nodes...)
	return m, len(casts)
}

// isScale says whether integers are multiplied with a tensor.
func (w *wiring) isScale(name string) bool {
	return slices.ContainsFunc(w.readers[name], func(n *onnx.Node) bool {
		return n.OpType == "QuantizeLinear" || n.OpType == "DequantizeLinear" ||
			n.OpType == "Mul" && slices.ContainsFunc(n.Inputs, func(in string) bool {
				p := w.producer[in]
				return p != nil && p.OpType == "DynamicQuantizeLinear"
			})
	})
}

// fitsFloat16 says whether all numbers round to finite float16 ones.
func fitsFloat16(v []float32) bool {
	for _, x := range v {
		if !(math.Abs(float64(x)) <= float16Most) {
			return false
		}
	}
	return true
}
