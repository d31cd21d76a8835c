// SPDX-License-Identifier: Apache-2.0

package student

import (
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// Reads are the inputs a student has, in the teacher's order.
func (s Signature) Reads() []Input {
	var list []Input
	for i, v := range s.Teacher.Graph.DataInputs() {
		in := Input{Tensor: v.Name, Type: v.Type, Shape: s.Inputs[i]}
		if !v.Type.IsFloat() {
			in.Vocab = vocabulary(s.Teacher.Graph, v.Name)
			if in.Vocab == 0 && v.Type == onnx.Uint8 && len(in.Shape) == 1 {
				in.Vocab = 256
			}
		}
		list = append(list, in)
	}
	return list
}

// shaping are the operators that hand whole numbers on, perhaps in another shape.
var shaping = []string{"Identity", "Cast", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Expand"}

// vocabulary is the number of rows of the smallest table of weights that a graph
// looks a tensor's numbers up in, 0 if there is none.
func vocabulary(g *onnx.Graph, name string) int {
	rows := 0
	carries := map[string]bool{name: true}
	for _, n := range g.Nodes {
		if n.OpType == "Gather" && len(n.Inputs) == 2 && carries[n.Inputs[1]] && n.Int("axis", 0) == 0 {
			if t := g.Initializer(n.Inputs[0]); t != nil && t.Type.IsFloat() && len(t.Dims) == 2 && (rows == 0 || int(t.Dims[0]) < rows) {
				rows = int(t.Dims[0])
			}
		}
		if len(n.Inputs) > 0 && carries[n.Inputs[0]] && slices.Contains(shaping, n.OpType) {
			carries[n.Outputs[0]] = true
		}
	}
	return rows
}

// Sized is a view of the graph g whose inputs have samples of the given shapes where
// they leave dimensions open: what an engine plan is compiled from. Inputs beyond
// those that shapes are given for stay as they are.
func Sized(g *onnx.Graph, inputs [][]int) *onnx.Graph {
	c := *g
	shapes := map[string][]int{}
	for i, v := range g.DataInputs()[:len(inputs)] {
		shapes[v.Name] = inputs[i]
	}
	c.Inputs = nil
	for _, v := range g.Inputs {
		v := v.Clone()
		shape := shapes[v.Name]
		for d := range shape {
			if d+1 < len(v.Dims) && v.Dims[d+1].Size < 0 {
				v.Dims[d+1] = onnx.Fixed(int64(shape[d]))
			}
		}
		c.Inputs = append(c.Inputs, v)
	}
	return &c
}
