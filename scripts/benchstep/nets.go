// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/kdcompress/kdcompress/onnx"

const (
	classes    = 10
	vocabulary = 30000
)

// net is one of the benchmark's: build adds it to a graph, from its inputs to the
// scores of the classes. scripts/bench_step.py has the same under the same names.
type net struct {
	name  string
	batch int
	build func(d *draft) string
}

var nets = []net{
	{"mlp", 128, func(d *draft) string {
		x := d.input(784)
		x = d.relu(d.linear(x, 784, 1200))
		x = d.relu(d.linear(x, 1200, 1200))
		return d.linear(x, 1200, classes)
	}},
	{"lenet5", 128, func(d *draft) string {
		size, stride := onnx.Ints("kernel_shape", 2, 2), onnx.Ints("strides", 2, 2)
		x := d.input(1, 28, 28)
		x = d.Op("MaxPool", []string{d.relu(d.conv(x, 1, 6, 5, 2, 1, 1, true))}, size, stride)
		x = d.Op("MaxPool", []string{d.relu(d.conv(x, 6, 16, 5, 0, 1, 1, true))}, size, stride)
		x = d.Op("Flatten", []string{x})
		x = d.relu(d.linear(x, 400, 120))
		x = d.relu(d.linear(x, 120, 84))
		return d.linear(x, 84, classes)
	}},
	{"cnn5", 128, func(d *draft) string {
		x := d.input(3, 32, 32)
		widths, strides := []int{3, 32, 64, 64, 128, 128}, []int{1, 2, 1, 2, 1}
		for i, s := range strides {
			x = d.relu(d.conv(x, widths[i], widths[i+1], 3, 1, s, 1, true))
		}
		return d.linear(d.pool(x), 128, classes)
	}},
	{"resnet20", 128, resnet20},
	{"mobile", 128, mobile},
	{"transformer", 32, transformer},
	{"wave", 32, func(d *draft) string {
		x := d.input(1, 4000)
		widths, strides := []int{1, 32, 64, 64, 128}, []int{4, 2, 2, 2}
		for i, s := range strides {
			x = d.relu(d.wave(x, widths[i], widths[i+1], 9, s))
		}
		return d.linear(d.pool(x), 128, classes)
	}},
	{"bilstm", 32, bilstm},
}

// resnet20 is the 20-layer net of He et al. 2015 (arXiv:1512.03385) for 32x32
// pictures, with a 1x1 convolution where a shortcut changes shape.
func resnet20(d *draft) string {
	x := d.relu(d.norm(d.conv(d.input(3, 32, 32), 3, 16, 3, 1, 1, 1, false), 16))
	in := 16
	for stage := range 3 {
		out := 16 << stage
		for block := range 3 {
			stride := 1
			if stage > 0 && block == 0 {
				stride = 2
			}
			y := d.relu(d.norm(d.conv(x, in, out, 3, 1, stride, 1, false), out))
			y = d.norm(d.conv(y, out, out, 3, 1, 1, 1, false), out)
			if in != out {
				x = d.norm(d.conv(x, in, out, 1, 0, stride, 1, false), out)
			}
			x = d.relu(d.Op("Add", []string{x, y}))
			in = out
		}
	}
	return d.linear(d.pool(x), 64, classes)
}

// mobile is a net of depthwise separable convolutions (Howard et al. 2017,
// arXiv:1704.04861) for 32x32 pictures.
func mobile(d *draft) string {
	relu6 := func(x string) string {
		return d.Op("Clip", []string{x, d.Float32("low", nil, []float32{0}), d.Float32("high", nil, []float32{6})})
	}
	x := relu6(d.norm(d.conv(d.input(3, 32, 32), 3, 32, 3, 1, 1, 1, false), 32))
	in := 32
	for _, layer := range []struct{ out, stride int }{{64, 1}, {128, 2}, {128, 1}, {256, 2}, {256, 1}} {
		x = relu6(d.norm(d.conv(x, in, in, 3, 1, layer.stride, in, false), in))
		x = relu6(d.norm(d.conv(x, in, layer.out, 1, 0, 1, 1, false), layer.out))
		in = layer.out
	}
	return d.linear(d.pool(x), 256, classes)
}

// transformer classifies 64 tokens: embeddings with learned positions, two
// encoder layers normalised after each sum, the mean over tokens.
func transformer(d *draft) string {
	const tokens, width, heads, hidden = 64, 128, 4, 512
	ids := d.Input("ids", onnx.Int64, onnx.Symbolic("N"), onnx.Fixed(tokens))
	x := d.Op("Gather", []string{d.weight(0.02, vocabulary, width), ids})
	x = d.Op("Add", []string{x, d.weight(0.02, tokens, width)})
	split := func(x string, perm ...int64) string {
		x = d.Op("Reshape", []string{x, d.Int64("heads", []int64{4}, []int64{0, tokens, heads, width / heads})})
		return d.Op("Transpose", []string{x}, onnx.Ints("perm", perm...))
	}
	for range 2 {
		parts := d.OpMulti("parts", "Split", []string{d.tokens(x, width, 3*width)}, 3, onnx.Int("axis", 2), onnx.Int("num_outputs", 3))
		scores := d.Op("MatMul", []string{split(parts[0], 0, 2, 1, 3), split(parts[1], 0, 2, 3, 1)})
		scores = d.Op("Softmax", []string{d.scale(scores, 0.17677669)}, onnx.Int("axis", -1))
		y := d.Op("Transpose", []string{d.Op("MatMul", []string{scores, split(parts[2], 0, 2, 1, 3)})}, onnx.Ints("perm", 0, 2, 1, 3))
		y = d.Op("Reshape", []string{y, d.Int64("joined", []int64{3}, []int64{0, tokens, width})})
		x = d.layerNorm(d.Op("Add", []string{x, d.tokens(y, width, width)}), width)
		y = d.Op("Gelu", []string{d.tokens(x, width, hidden)})
		x = d.layerNorm(d.Op("Add", []string{x, d.tokens(y, hidden, width)}), width)
	}
	x = d.Op("ReduceMean", []string{x, d.Int64("axis", []int64{1}, []int64{1})}, onnx.Int("keepdims", 0))
	return d.linear(x, width, classes)
}

// bilstm reads 64 steps of 64 features in both directions and classifies the mean
// over steps.
func bilstm(d *draft) string {
	const steps, features, hidden = 64, 64, 128
	x := d.Op("Transpose", []string{d.input(steps, features)}, onnx.Ints("perm", 1, 0, 2))
	y := d.Op("LSTM", []string{x, d.weight(0.05, 2, 4*hidden, features), d.weight(0.05, 2, 4*hidden, hidden), d.weight(0.05, 2, 8*hidden)},
		onnx.Int("hidden_size", hidden), onnx.String("direction", "bidirectional"))
	y = d.Op("Transpose", []string{y}, onnx.Ints("perm", 2, 0, 1, 3))
	y = d.Op("Reshape", []string{y, d.Int64("joined", []int64{3}, []int64{0, steps, 2 * hidden})})
	y = d.Op("ReduceMean", []string{y, d.Int64("axis", []int64{1}, []int64{1})}, onnx.Int("keepdims", 0))
	return d.linear(y, 2*hidden, classes)
}
