// SPDX-License-Identifier: Apache-2.0

package engine_test

import "github.com/kdcompress/kdcompress/onnx"

// traceNets are the nets of scripts/trace_vectors.py as graphs: from the input to
// the scores of the classes.
var traceNets = map[string]func(n *traceNet, x string) string{
	"mlp": func(n *traceNet, x string) string {
		x = n.Op("Relu", []string{n.linear("fc1", x)})
		x = n.Op("Tanh", []string{n.linear("fc2", x)})
		return n.linear("fc3", x)
	},
	"lenet": func(n *traceNet, x string) string {
		size, stride := onnx.Ints("kernel_shape", 2, 2), onnx.Ints("strides", 2, 2)
		x = n.Op("Tanh", []string{n.conv("conv1", x, true)})
		x = n.Op("AveragePool", []string{x}, size, stride)
		x = n.Op("Relu", []string{n.conv("conv2", x, true, onnx.Ints("pads", 1, 1, 1, 1))})
		x = n.Op("MaxPool", []string{x}, size, stride)
		x = n.Op("Relu", []string{n.linear("fc1", n.Op("Flatten", []string{x}))})
		return n.linear("fc2", x)
	},
	"strided": func(n *traceNet, x string) string {
		for i, stride := range []int64{1, 2, 1, 2, 1} {
			name := "conv" + string(rune('1'+i))
			x = n.Op("Relu", []string{n.conv(name, x, true, onnx.Ints("pads", 1, 1, 1, 1), onnx.Ints("strides", stride, stride))})
		}
		return n.linear("fc", n.Op("Flatten", []string{x}))
	},
	"residual":  residual,
	"mobile":    mobile,
	"wave":      wave,
	"attention": attention,
	"sequence":  lastStep,
}

// linear is PyTorch's Linear, whose weight is [out, in].
func (n *traceNet) linear(name, x string) string {
	return n.Op("Gemm", []string{x, n.weight(name + ".weight"), n.weight(name + ".bias")}, onnx.Int("transB", 1))
}

// tokens is linear on the last axis of a tensor of any rank.
func (n *traceNet) tokens(x, weight, bias string) string {
	w := n.Op("Transpose", []string{n.weight(weight)}, onnx.Ints("perm", 1, 0))
	return n.Op("Add", []string{n.Op("MatMul", []string{x, w}), n.weight(bias)})
}

func (n *traceNet) conv(name, x string, bias bool, attrs ...onnx.Attr) string {
	in := []string{x, n.weight(name + ".weight")}
	if bias {
		in = append(in, n.weight(name+".bias"))
	}
	return n.Op("Conv", in, attrs...)
}

// convNorm is a convolution without bias, padded to keep the size, and a
// BatchNormalization.
func (n *traceNet) convNorm(name, x string, pad, stride, group int64) string {
	y := n.conv(name, x, false, onnx.Ints("pads", pad, pad, pad, pad), onnx.Ints("strides", stride, stride), onnx.Int("group", group))
	w := func(what string) string { return n.weight(name + "_norm." + what) }
	return n.Op("BatchNormalization", []string{y, w("weight"), w("bias"), w("running_mean"), w("running_var")},
		onnx.Float("epsilon", 1e-5), onnx.Float("momentum", 0.9))
}

func residual(n *traceNet, x string) string {
	relu := func(x string) string { return n.Op("Relu", []string{x}) }
	x = relu(n.convNorm("stem", x, 1, 1, 1))
	x = relu(n.Op("Add", []string{x, n.convNorm("a2", relu(n.convNorm("a1", x, 1, 1, 1)), 1, 1, 1)}))
	deep := n.convNorm("b2", relu(n.convNorm("b1", x, 1, 2, 1)), 1, 1, 1)
	x = relu(n.Op("Add", []string{n.convNorm("short", x, 0, 2, 1), deep}))
	return n.linear("fc", n.Op("Flatten", []string{n.Op("GlobalAveragePool", []string{x})}))
}

func mobile(n *traceNet, x string) string {
	x = n.Op("HardSwish", []string{n.convNorm("stem", x, 1, 1, 1)})
	x = n.convNorm("depth", x, 1, 2, 6)
	x = n.Op("Clip", []string{x, n.Float32("low", nil, []float32{0}), n.Float32("high", nil, []float32{6})})
	s := n.conv("squeeze", n.Op("GlobalAveragePool", []string{x}), true)
	s = n.conv("excite", n.Op("Relu", []string{s}), true)
	x = n.Op("Mul", []string{x, n.Op("HardSigmoid", []string{s}, onnx.Float("alpha", 1./6), onnx.Float("beta", 0.5))})
	x = n.Op("HardSwish", []string{n.convNorm("point", x, 0, 1, 1)})
	x = n.Op("ReduceMean", []string{x, n.Int64("positions", []int64{2}, []int64{2, 3})}, onnx.Int("keepdims", 0))
	return n.linear("fc", x)
}

func wave(n *traceNet, x string) string {
	x = n.conv("conv1", x, true, onnx.Ints("pads", 4, 4), onnx.Ints("dilations", 2), onnx.Int("group", 2))
	x = n.Op("LeakyRelu", []string{x}, onnx.Float("alpha", 0.1))
	x = n.conv("conv2", x, true, onnx.Ints("pads", 1, 1), onnx.Ints("strides", 2), onnx.Int("group", 4))
	number := func(v float32) string { return n.Float32("number", nil, []float32{v}) }
	e := n.Op("Erf", []string{n.Op("Mul", []string{x, number(0.70710678)})})
	x = n.Op("Mul", []string{n.Op("Mul", []string{x, n.Op("Add", []string{e, number(1)})}), number(0.5)})
	x = n.Op("MaxPool", []string{x}, onnx.Ints("kernel_shape", 2), onnx.Ints("strides", 2))
	return n.linear("fc", n.Op("Flatten", []string{x}))
}

// attention is PyTorch's TransformerEncoderLayer on 6 tokens of 8 numbers: two
// heads, 16 hidden units, normalised after each sum.
func attention(n *traceNet, x string) string {
	all := n.tokens(x, "block.self_attn.in_proj_weight", "block.self_attn.in_proj_bias")
	parts := n.OpMulti("parts", "Split", []string{all}, 3, onnx.Int("axis", 2), onnx.Int("num_outputs", 3))
	heads := func(x string, perm ...int64) string {
		x = n.Op("Reshape", []string{x, n.Int64("heads", []int64{4}, []int64{0, 6, 2, 4})})
		return n.Op("Transpose", []string{x}, onnx.Ints("perm", perm...))
	}
	scores := n.Op("MatMul", []string{heads(parts[0], 0, 2, 1, 3), heads(parts[1], 0, 2, 3, 1)})
	scores = n.Op("Mul", []string{scores, n.Float32("scale", nil, []float32{0.5})})
	mixed := n.Op("MatMul", []string{n.Op("Softmax", []string{scores}, onnx.Int("axis", -1)), heads(parts[2], 0, 2, 1, 3)})
	mixed = n.Op("Transpose", []string{mixed}, onnx.Ints("perm", 0, 2, 1, 3))
	mixed = n.Op("Reshape", []string{mixed, n.Int64("joined", []int64{3}, []int64{0, 6, 8})})
	mixed = n.tokens(mixed, "block.self_attn.out_proj.weight", "block.self_attn.out_proj.bias")
	x = n.layerNorm("block.norm1", n.Op("Add", []string{x, mixed}))
	h := n.Op("Gelu", []string{n.tokens(x, "block.linear1.weight", "block.linear1.bias")})
	h = n.tokens(h, "block.linear2.weight", "block.linear2.bias")
	x = n.layerNorm("block.norm2", n.Op("Add", []string{x, h}))
	x = n.Op("ReduceMean", []string{x, n.Int64("positions", []int64{1}, []int64{1})}, onnx.Int("keepdims", 0))
	return n.linear("fc", x)
}

// layerNorm normalises the last axis.
func (n *traceNet) layerNorm(name, x string) string {
	return n.Op("LayerNormalization", []string{x, n.weight(name + ".weight"), n.weight(name + ".bias")}, onnx.Float("epsilon", 1e-5))
}

// lastStep is a bidirectional LSTM and a GRU as PyTorch exports them, steps first, with
// the gates in PyTorch's order: its weights are cut and put together in the graph.
func lastStep(n *traceNet, x string) string {
	x = n.Op("Transpose", []string{x}, onnx.Ints("perm", 1, 0, 2))
	y := n.recurrent("LSTM", "lstm", x, 5, []string{"", "_reverse"}, 0, 3, 1, 2)
	y = n.Op("Transpose", []string{y}, onnx.Ints("perm", 0, 2, 1, 3))
	y = n.Op("Reshape", []string{y, n.Int64("joined", []int64{3}, []int64{0, 0, -1})})
	y = n.recurrent("GRU", "gru", y, 3, []string{""}, 1, 0, 2)
	y = n.Op("Squeeze", []string{y, n.Int64("direction", []int64{1}, []int64{1})})
	y = n.Op("Transpose", []string{y}, onnx.Ints("perm", 1, 0, 2))
	return n.linear("fc", n.Op("Gather", []string{y, n.Int64("last", nil, []int64{-1})}, onnx.Int("axis", 1)))
}

// recurrent is a recurrent node whose gates stand in the given order in PyTorch.
func (n *traceNet) recurrent(kind, name, x string, hidden int64, directions []string, order ...int) string {
	ordered := func(what string) string {
		parts := n.OpMulti("gate", "Split", []string{n.weight(name + "." + what)}, len(order), onnx.Int("axis", 0), onnx.Int("num_outputs", int64(len(order))))
		var gates []string
		for _, i := range order {
			gates = append(gates, parts[i])
		}
		return n.Op("Concat", gates, onnx.Int("axis", 0))
	}
	front := n.Int64("front", []int64{1}, []int64{0})
	var w, r, b []string
	for _, d := range directions {
		both := n.Op("Concat", []string{ordered("bias_ih_l0" + d), ordered("bias_hh_l0" + d)}, onnx.Int("axis", 0))
		w = append(w, n.Op("Unsqueeze", []string{ordered("weight_ih_l0" + d), front}))
		r = append(r, n.Op("Unsqueeze", []string{ordered("weight_hh_l0" + d), front}))
		b = append(b, n.Op("Unsqueeze", []string{both, front}))
	}
	all := func(list []string) string { return n.Op("Concat", list, onnx.Int("axis", 0)) }
	attrs := []onnx.Attr{onnx.Int("hidden_size", hidden)}
	if len(directions) > 1 {
		attrs = append(attrs, onnx.String("direction", "bidirectional"))
	}
	if kind == "GRU" {
		attrs = append(attrs, onnx.Int("linear_before_reset", 1))
	}
	return n.Op(kind, []string{x, all(w), all(r), all(b)}, attrs...)
}
