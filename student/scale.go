// SPDX-License-Identifier: Apache-2.0

package student

import (
	"fmt"
	"math"

	"github.com/kdcompress/kdcompress/onnx"
)

// ScaleLogits is Scale of the logits.
func (s *Student) ScaleLogits(by float32) error { return s.Scale(s.Logits, by) }

// Scale multiplies a tensor of scores by a positive number: in the weights of the
// linear layer that computes them, or with a Mul behind them where that is not a
// Gemm of weights of its own.
func (s *Student) Scale(tensor string, by float32) error {
	if !(by > 0) {
		panic("student: logits scaled by a number that is not positive")
	}
	g := s.Model.Graph
	n := g.Producers()[tensor]
	if n == nil {
		return fmt.Errorf("no node computes the logits %q", tensor)
	}
	var weights []*onnx.Tensor
	readers := g.Consumers()
	for _, name := range n.Inputs[min(1, len(n.Inputs)):] {
		t := g.Initializer(name)
		if name == "" {
			continue
		}
		if t == nil || t.Type != onnx.Float32 || len(readers[name]) > 1 {
			weights = nil
			break
		}
		weights = append(weights, t)
	}
	if n.OpType == "Gemm" && weights != nil {
		for _, t := range weights {
			v, err := onnx.Values[float32](t)
			if err != nil {
				return err
			}
			for i := range v {
				v[i] *= by
			}
			t.Data = onnx.FloatData(t.Type, v)
		}
		return nil
	}
	return s.appendScale(tensor, by)
}

// appendScale puts a Mul behind the node that computes the logits.
func (s *Student) appendScale(tensor string, by float32) error {
	return s.append("scale", "Mul", tensor, nil, []float32{by})
}

// append puts a node of a tensor and a constant between the node that computes
// the tensor and whatever reads it; the result keeps the name.
func (s *Student) append(stem, op, tensor string, dims []int64, by []float32) error {
	g := s.Model.Graph
	b := onnx.NewBuilder(g, "")
	raw := b.Name(tensor + ".un" + stem)
	for _, n := range g.Nodes {
		for i, o := range n.Outputs {
			if o == tensor {
				n.Outputs[i] = raw
			}
		}
	}
	g.Nodes = append(g.Nodes, &onnx.Node{Name: b.Name(stem), OpType: op, Outputs: []string{tensor},
		Inputs: []string{raw, b.Float32(stem+".by", dims, by)}})
	return g.Sort()
}

// rescale multiplies the variance of a float32 weight.
func rescale(t *onnx.Tensor, by float64) {
	v, err := onnx.Values[float32](t)
	if err != nil {
		panic("student: a weight that is no number")
	}
	for i := range v {
		v[i] *= float32(math.Sqrt(by))
	}
	t.Data = onnx.FloatData(t.Type, v)
}
