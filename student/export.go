// SPDX-License-Identifier: Apache-2.0

package student

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// Export is the model to deploy: BatchNormalization folded into the layers
// before it, Dropout and dead nodes removed. A model of IR version 3 or older
// lists its weights as inputs, as that format demands. s itself stays trainable.
func (s *Student) Export() (*onnx.Model, error) {
	m, _, err := rewrite.FoldBatchNorm(s.Model)
	if err != nil {
		return nil, err
	}
	if m, err = rewrite.DropDropout(m); err != nil {
		return nil, err
	}
	if m.IRVersion < 4 {
		listWeights(m.Graph)
	}
	if err := m.Check(); err != nil {
		return nil, err
	}
	return m, nil
}

// listWeights makes every initializer a graph input too, behind the others.
func listWeights(g *onnx.Graph) {
	listed := map[string]bool{}
	for _, v := range g.Inputs {
		listed[v.Name] = true
	}
	for _, t := range g.Initializers {
		if listed[t.Name] {
			continue
		}
		dims := make([]onnx.Dim, len(t.Dims))
		for i, d := range t.Dims {
			dims[i] = onnx.Fixed(d)
		}
		g.Inputs = append(g.Inputs, onnx.NewValue(t.Name, t.Type, dims...))
	}
}
