// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// Prepare returns the model with what stands between its layers moved into them,
// meaning kept: BatchNormalization, an Add of one number a channel behind a
// convolution, and an Add of a bias behind the product of two matrices, which
// becomes a Gemm. Ranks are those of tensors in a run, which tell a matrix from a
// stack of them; MatMul inputs without an entry count as unknown.
func Prepare(m *onnx.Model, ranks map[string]int) (*onnx.Model, error) {
	m, err := rewrite.Normalise(m)
	if err != nil {
		return nil, err
	}
	if m, _, err = rewrite.FoldBatchNorm(m); err != nil {
		return nil, err
	}
	m = m.Clone()
	w := newWiring(m)
	for _, add := range slices.Clone(m.Graph.Nodes) {
		if add.OpType != "Add" || !standard(add) || len(add.Inputs) != 2 {
			continue
		}
		for i, in := range add.Inputs {
			n, c := w.producer[in], w.constant(add.Inputs[1-i])
			if n == nil || c == nil || c.Type != onnx.Float32 || !standard(n) || !w.only(in, add) {
				continue
			}
			if foldShift(w, n, c, ranks) {
				n.Outputs[0] = add.Outputs[0]
				m.Graph.Nodes = slices.DeleteFunc(m.Graph.Nodes, func(x *onnx.Node) bool { return x == add })
				w = newWiring(m)
				break
			}
		}
	}
	m = rewrite.RemoveDead(m)
	return m, m.Check()
}

// foldShift makes the constant an operand of the node that it is added to.
func foldShift(w *wiring, n *onnx.Node, c *onnx.Tensor, ranks map[string]int) bool {
	switch n.OpType {
	case "Conv":
		k := w.constant(n.Inputs[1])
		if k == nil || len(k.Dims) < 3 || len(n.Inputs) > 2 && n.Inputs[2] != "" && w.float(n.Inputs[2]) == nil {
			return false
		}
		channels := int(k.Dims[0])
		rank := len(k.Dims)
		dims := c.Dims
		for len(dims) < rank {
			dims = append([]int64{1}, dims...)
		}
		for i, d := range dims {
			if d != 1 && (i != 1 || d != int64(channels)) {
				return false
			}
		}
		if len(dims) > rank {
			return false
		}
		bias := make([]float32, channels)
		if len(n.Inputs) > 2 && n.Inputs[2] != "" {
			copy(bias, w.float(n.Inputs[2]))
		}
		v := w.float(c.Name)
		for i := range bias {
			bias[i] += v[i%len(v)]
		}
		b := onnx.NewBuilder(w.g, "")
		n.Inputs = append(n.Inputs[:2:2], b.Float32(c.Name, []int64{int64(channels)}, bias))
		return true
	case "MatMul":
		k := w.constant(n.Inputs[1])
		if k == nil || len(k.Dims) != 2 || ranks[n.Inputs[0]] != 2 {
			return false
		}
		wide := k.Dims[1]
		for i, d := range c.Dims {
			if d != 1 && (i < len(c.Dims)-1 || d != wide) {
				return false
			}
		}
		if len(c.Dims) > 2 || c.Len() != int(wide) {
			return false
		}
		b := onnx.NewBuilder(w.g, "")
		n.OpType = "Gemm"
		n.Inputs = append(n.Inputs[:2:2], b.Float32(c.Name, []int64{wide}, w.float(c.Name)))
		return true
	}
	return false
}
