// SPDX-License-Identifier: Apache-2.0

package student

import (
	"slices"

	"github.com/kdcompress/kdcompress/student/engine"
)

// Shapes are the per-sample shapes of the tensors that lead to the logits, by
// name, for samples of the given shapes, one an input. Tensors that mix samples are
// left out.
func (s *Student) Shapes(inputs [][]int) (map[string][]int, error) {
	g := Sized(s.Model.Graph, inputs)
	params, err := engine.NewParams[float32](g, nil)
	if err != nil {
		return nil, err
	}
	const rows = 2
	plan, err := engine.Compile(g, params, engine.Options{Batch: rows, Opset: int(s.Model.Opset("")), Outputs: []string{s.Logits}})
	if err != nil {
		return nil, err
	}
	shapes := map[string][]int{}
	for _, n := range g.Nodes {
		for _, o := range n.Outputs {
			if shape := plan.Shape(o); o != "" && len(shape) > 1 && shape[0] == rows {
				shapes[o] = slices.Clone(shape[1:])
			}
		}
	}
	return shapes, nil
}
