// SPDX-License-Identifier: Apache-2.0

package student

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
)

// Shift adds one number for each class to a tensor of scores, [N, classes]: in the
// bias of the Gemm that computes it, or with an Add behind it where that has no
// bias of its own.
func (s *Student) Shift(tensor string, by []float32) error {
	g := s.Model.Graph
	n := g.Producers()[tensor]
	if n == nil {
		return fmt.Errorf("no node computes the logits %q", tensor)
	}
	if n.OpType == "Gemm" && len(n.Inputs) == 3 && n.Float("beta", 1) == 1 {
		t := g.Initializer(n.Inputs[2])
		if t != nil && t.Type == onnx.Float32 && t.Len() == len(by) && len(g.Consumers()[t.Name]) == 1 {
			v, err := onnx.Values[float32](t)
			if err != nil {
				return err
			}
			for i := range v {
				v[i] += by[i]
			}
			t.Data = onnx.FloatData(t.Type, v)
			return nil
		}
	}
	return s.append("shift", "Add", tensor, []int64{int64(len(by))}, by)
}
