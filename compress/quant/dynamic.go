// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// DynamicSince is the first opset that has DynamicQuantizeLinear.
const DynamicSince = 11

// Dynamic returns a prepared model whose MatMul and Gemm with constant weights
// compute with integers whose scale is found anew in every run, and how many: no
// calibration is needed. The scale is that of the whole batch, so that a sample's
// answer depends, within rounding, on what it shares the batch with. Convolutions
// stay in float: ONNX Runtime's ConvInteger is slower.
func Dynamic(m *onnx.Model, in Integers) (*onnx.Model, int, error) {
	w := newWiring(m)
	if w.opset < DynamicSince {
		return nil, 0, &onnx.Error{Err: fmt.Errorf("it imports opset %d; dynamic int8 begins with opset %d", w.opset, DynamicSince)}
	}
	out := m.Clone()
	g := out.Graph
	e := &emitter{Plan: &Plan{w: w}, b: onnx.NewBuilder(g, ""), g: g, stored: map[string]string{}}
	nodes := g.Nodes
	g.Nodes = nil
	inputs := map[string][]string{}
	count := 0
	for _, n := range nodes {
		r := ruleFor(w, n)
		if r == nil || n.OpType != "MatMul" && n.OpType != "Gemm" || w.constant(n.Inputs[0]) != nil || r.Fits(w, n) != "" {
			g.Nodes = append(g.Nodes, n)
			continue
		}
		x := n.Inputs[0]
		if inputs[x] == nil {
			inputs[x] = e.b.OpMulti("q", "DynamicQuantizeLinear", []string{x}, 3)
			g.Nodes[len(g.Nodes)-1].Name = ""
		}
		e.dynamicLayer(n, inputs[x], in, r.Axis(n))
		count++
	}
	dropUnread(g)
	e.renameBack()
	if err := out.Check(); err != nil {
		return nil, 0, fmt.Errorf("dynamic int8: %w", err)
	}
	return out, count, nil
}

// dynamicLayer writes a weighted sum of x, which is integers, scale and zero
// point. The weights stand as a matrix whose columns are the output channels.
func (e *emitter) dynamicLayer(n *onnx.Node, x []string, in Integers, axis int) {
	t := e.w.constant(n.Inputs[1])
	v, dims := e.w.float(n.Inputs[1]), slices.Clone(t.Dims)
	if axis == 0 {
		v, dims = transposed(v, int(dims[0]), int(dims[1])), []int64{dims[1], dims[0]}
	}
	grid := newGrid(v, dims, 1, in.weightMost(), false)
	weight := e.store(int8Tensor("w", dims, grid.integers()), n.Inputs[1])
	op := func(stem, typ string, in []string, attrs ...onnx.Attr) string {
		out := e.b.OpNamed(stem, typ, in, attrs...)
		e.g.Nodes[len(e.g.Nodes)-1].Name = ""
		return out
	}
	sum := op("i", "MatMulInteger", []string{x[0], weight, x[2]})
	sum = op("f", "Cast", []string{sum}, onnx.Int("to", int64(onnx.Float32)))
	step := op("s", "Mul", []string{x[1], e.b.Float32("s", perChannelDims(grid.scales), grid.scales)})
	sum = op("y", "Mul", []string{sum, step})
	if len(n.Inputs) > 2 && n.Inputs[2] != "" {
		op("y", "Add", []string{sum, n.Inputs[2]})
	}
	last := e.g.Nodes[len(e.g.Nodes)-1]
	last.Outputs[0], last.Name = n.Outputs[0], n.Name
}

// transposed is a matrix of rows by columns with the two exchanged.
func transposed(v []float32, rows, columns int) []float32 {
	out := make([]float32, len(v))
	for r := range rows {
		for c := range columns {
			out[c*rows+r] = v[r*columns+c]
		}
	}
	return out
}
