// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"math"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// FoldBatchNorm returns the model with every inference BatchNormalization that
// directly follows a Conv or Gemm folded into that node's weights, and how many
// were folded:
//
//	y = s * (W x + b - mean) + B with s = scale / sqrt(var + epsilon)
//	  = (s W) x + (s (b - mean) + B)
//
// The arithmetic is in float64, the result is written in float32. One stays where
// its input is read by anyone else, where an operand is not a float32 constant,
// or where it follows another operator.
//
// BatchNormalization: https://onnx.ai/onnx/operators/onnx__BatchNormalization.html;
// before opset 7 inference is marked by is_test, before 9 spatial=0 means one
// scale for each element, from 14 on training_mode=1 marks training.
func FoldBatchNorm(m *onnx.Model) (*onnx.Model, int, error) {
	m = m.Clone()
	g := m.Graph
	opset := m.Opset("")
	b := onnx.NewBuilder(g, "")
	folded := 0
	for _, bn := range slices.Clone(g.Nodes) {
		if !inferenceNorm(bn, opset) {
			continue
		}
		producer := g.Producers()[bn.Inputs[0]]
		if producer == nil || !standard(producer) || readers(g)[bn.Inputs[0]] != 1 || outputSet(g)[bn.Inputs[0]] || othersRead(g, bn) {
			continue
		}
		scale, shift, ok := normLine(g, bn)
		if !ok || !foldInto(b, producer, scale, shift, opset) {
			continue
		}
		dropInfo(g, producer.Outputs[0])
		producer.Outputs[0] = bn.Outputs[0]
		g.Nodes = slices.DeleteFunc(g.Nodes, func(x *onnx.Node) bool { return x == bn })
		folded++
	}
	if folded > 0 {
		removeDead(g)
		if err := g.Sort(); err != nil {
			return nil, 0, err
		}
	}
	if err := m.Check(); err != nil {
		return nil, 0, err
	}
	return m, folded, nil
}

// inferenceNorm says whether n is a BatchNormalization that uses its running
// statistics, channel by channel.
func inferenceNorm(n *onnx.Node, opset int64) bool {
	switch {
	case n.OpType != "BatchNormalization" || !standard(n) || len(n.Inputs) != 5 || len(n.Outputs) == 0:
		return false
	case opset < 7 && n.Int("is_test", 0) == 0:
		return false
	case opset < 9 && n.Int("spatial", 1) == 0:
		return false
	}
	return n.Int("training_mode", 0) == 0
}

// othersRead says whether any output of the node but its first is used.
func othersRead(g *onnx.Graph, n *onnx.Node) bool {
	outputs, reads := outputSet(g), readers(g)
	return slices.ContainsFunc(n.Outputs[1:], func(o string) bool { return outputs[o] || reads[o] > 0 })
}

// normLine returns the slope and offset of each channel, false if they are not
// known or not finite.
func normLine(g *onnx.Graph, bn *onnx.Node) (scale, shift []float64, ok bool) {
	var v [4][]float64
	for i := range v {
		if v[i], ok = floats(g, bn.Inputs[1+i]); !ok || len(v[i]) != len(v[0]) {
			return nil, nil, false
		}
	}
	eps := float64(bn.Float("epsilon", 1e-5))
	gamma, beta, mean, variance := v[0], v[1], v[2], v[3]
	scale, shift = make([]float64, len(gamma)), make([]float64, len(gamma))
	for i := range gamma {
		scale[i] = gamma[i] / math.Sqrt(variance[i]+eps)
		shift[i] = beta[i] - mean[i]*scale[i]
		if math.IsNaN(scale[i]+shift[i]) || math.IsInf(scale[i]+shift[i], 0) {
			return nil, nil, false
		}
	}
	return scale, shift, true
}

// floats reads a float32 constant.
func floats(g *onnx.Graph, name string) ([]float64, bool) {
	t := constant(g, name)
	if t == nil || t.Type != onnx.Float32 {
		return nil, false
	}
	v, err := onnx.Values[float64](t)
	return v, err == nil
}

// foldInto gives the node the weights and bias of its output times scale plus
// shift, channel by channel.
func foldInto(b *onnx.Builder, n *onnx.Node, scale, shift []float64, opset int64) bool {
	if len(n.Inputs) < 2 {
		return false
	}
	w, ok := floats(b.G, n.Inputs[1])
	if !ok {
		return false
	}
	dims := b.G.Initializer(n.Inputs[1]).Dims
	channels := len(scale)
	bias, beta := make([]float64, channels), 1.0
	var channel func(i int) int
	switch {
	case n.OpType == "Conv" && len(dims) >= 2 && dims[0] == int64(channels):
		inner := len(w) / max(channels, 1)
		channel = func(i int) int { return i / inner }
	case n.OpType == "Gemm" && opset >= 7 && len(dims) == 2:
		transB := n.Int("transB", 0) != 0
		if (transB && dims[0] != int64(channels)) || (!transB && dims[1] != int64(channels)) {
			return false
		}
		inner := int(dims[1])
		channel = func(i int) int {
			if transB {
				return i / inner
			}
			return i % inner
		}
		beta = float64(n.Float("beta", 1))
	default:
		return false
	}
	if len(n.Inputs) > 2 && n.Inputs[2] != "" {
		c, ok := floats(b.G, n.Inputs[2])
		if !ok || !isRow(b.G.Initializer(n.Inputs[2]).Dims, channels) {
			return false
		}
		for i := range bias {
			bias[i] = beta * c[i%len(c)]
		}
	}
	for i := range w {
		w[i] *= scale[channel(i)]
	}
	for i := range bias {
		bias[i] = bias[i]*scale[i] + shift[i]
	}
	weights, offsets := narrow(w), narrow(bias)
	if weights == nil || offsets == nil {
		return false
	}
	if n.OpType == "Gemm" && beta != 1 {
		n.SetAttr(onnx.Float("beta", 1))
	}
	setOperand(b, n, 1, dims, weights, "weight")
	setOperand(b, n, 2, []int64{int64(channels)}, offsets, "bias")
	return true
}

// isRow says whether a constant of these dims is one number for each channel, or
// one for all.
func isRow(dims []int64, channels int) bool {
	for i, d := range dims {
		if d != 1 && (i < len(dims)-1 || d != int64(channels)) {
			return false
		}
	}
	return true
}

// narrow rounds to float32, nil if a value does not fit.
func narrow(v []float64) []float32 {
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(x)
		if math.IsInf(float64(out[i]), 0) {
			return nil
		}
	}
	return out
}

// setOperand replaces a constant operand: in place where nobody else reads it,
// by a new initializer otherwise.
func setOperand(b *onnx.Builder, n *onnx.Node, at int, dims []int64, v []float32, stem string) {
	for len(n.Inputs) <= at {
		n.Inputs = append(n.Inputs, "")
	}
	old := n.Inputs[at]
	uses := 0
	for _, in := range n.Inputs {
		if in == old {
			uses++
		}
	}
	if t := b.G.Initializer(old); t != nil && uses == 1 && readers(b.G)[old] == 1 && !outputSet(b.G)[old] {
		fresh := onnx.NewFloat32(old, dims, v)
		t.Dims, t.Data = fresh.Dims, fresh.Data
		dropInfo(b.G, old)
		return
	}
	if old != "" {
		stem = old
	} else if n.Name != "" {
		stem = n.Name + "." + stem
	}
	n.Inputs[at] = b.Float32(stem, dims, v)
}
