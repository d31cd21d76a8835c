// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// MACCount is the multiply-accumulates of one sample through a model: those of
// convolutions, matrix products and recurrent layers, which is where nearly all
// of a network's arithmetic is. Uncounted names the operators of nodes that
// multiply matrices in a way this package has no formula for.
type MACCount struct {
	Total     int64
	Nodes     []NodeMACs
	Uncounted []string
}

// NodeMACs is the share of one node, and the shape of its first output at the
// batch that was run.
type NodeMACs struct {
	Node  string
	Op    string
	MACs  int64
	Shape []int64
}

// MACs counts multiply-accumulates. The shapes come from ONNX Runtime: it runs
// one batch of made-up inputs (the smallest batch the model takes) with the
// counted nodes' operands as further outputs. Nodes within subgraphs are not
// counted; those that hold one are listed in Uncounted. dims is as in
// LatencyOptions.
func MACs(ctx context.Context, m *onnx.Model, dims [][]int) (MACCount, error) {
	var c MACCount
	var counted []*onnx.Node
	for _, n := range m.Graph.Nodes {
		switch _, ok := macFormulas[n.OpType]; {
		case ok && len(n.Outputs) > 0:
			counted = append(counted, n)
		case len(n.Graphs()) > 0, n.OpType == "Einsum", n.OpType == "Attention", n.OpType == "DeformConv":
			if !slices.Contains(c.Uncounted, n.OpType) {
				c.Uncounted = append(c.Uncounted, n.OpType)
			}
		}
	}
	if len(counted) == 0 {
		return c, nil
	}
	shapes, batch, err := shapesOf(ctx, m, counted, dims)
	if err != nil {
		return c, fmt.Errorf("counting multiply-adds: %w", err)
	}
	for _, n := range counted {
		count, ok := macFormulas[n.OpType](n, shapes)
		if !ok {
			return c, fmt.Errorf("counting multiply-adds: %w", &onnx.Error{Node: n.Name, Op: n.OpType, Err: fmt.Errorf("its operands have shapes the operator does not take")})
		}
		count /= int64(batch)
		c.Total += count
		c.Nodes = append(c.Nodes, NodeMACs{Node: n.Name, Op: n.OpType, MACs: count, Shape: shapes[n.Outputs[0]]})
	}
	return c, nil
}

// shapesOf runs the model once and returns the shapes of all tensors that the
// nodes read or write, and the batch that was run.
func shapesOf(ctx context.Context, m *onnx.Model, nodes []*onnx.Node, dims [][]int) (map[string][]int64, int, error) {
	shapes := map[string][]int64{}
	for _, t := range m.Graph.Initializers {
		shapes[t.Name] = t.Dims
	}
	fed := m.Graph.DataInputs()
	for _, v := range fed {
		shapes[v.Name] = nil
	}
	var names []string
	for _, n := range nodes {
		for _, name := range slices.Concat(n.Inputs, n.Outputs[:1]) {
			if _, known := shapes[name]; !known && name != "" {
				shapes[name] = nil
				names = append(names, name)
			}
		}
	}
	tapped, err := rewrite.Tap(m, names...)
	if err != nil {
		return nil, 0, err
	}
	file, err := tapped.Encode()
	if err != nil {
		return nil, 0, err
	}
	s, err := ort.Open(file, ort.Options{NoOptimise: true, Outputs: names})
	if err != nil {
		return nil, 0, err
	}
	defer s.Close()
	batch := max(1, fixedBatch(s.Inputs()))
	in, err := invent(s.Inputs(), batch, dims, 1)
	if err != nil {
		return nil, 0, err
	}
	out, err := s.Run(ctx, in)
	if err != nil {
		return nil, 0, err
	}
	for i, v := range in {
		shapes[s.Inputs()[i].Name] = v.Dims
	}
	for i, v := range out {
		shapes[names[i]] = v.Dims
	}
	return shapes, batch, nil
}
