// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"context"
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// Ranks runs the model on the first batch and returns the ranks of the tensors
// that its MatMul nodes read first, for Prepare.
func Ranks(ctx context.Context, m *onnx.Model, f Feed) (map[string]int, error) {
	m, err := rewrite.Normalise(m)
	if err != nil {
		return nil, err
	}
	ranks := map[string]int{}
	for _, v := range m.Graph.DataInputs() {
		if v.Ranked {
			ranks[v.Name] = len(v.Dims)
		}
	}
	w := newWiring(m)
	var names []string
	for _, n := range m.Graph.Nodes {
		if n.OpType == "MatMul" && standard(n) && w.producer[n.Inputs[0]] != nil && !slices.Contains(names, n.Inputs[0]) && w.constant(n.Inputs[1]) != nil {
			names = append(names, n.Inputs[0])
		}
	}
	if len(names) == 0 || f.Batches == 0 {
		return ranks, nil
	}
	tapped, err := rewrite.Tap(m, names...)
	if err != nil {
		return nil, err
	}
	b, err := tapped.Encode()
	if err != nil {
		return nil, err
	}
	f.Batches = 1
	err = ort.Map(ctx, b, 1, 1, names, 1, f.Fill, func(_ int, out []ort.Value) error {
		for i, v := range out {
			ranks[names[i]] = len(v.Dims)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("a trial run: %w", err)
	}
	return ranks, nil
}
