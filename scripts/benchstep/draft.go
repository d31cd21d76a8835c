// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/kdcompress/kdcompress/onnx"
)

// draft is a graph under construction with the layers the nets are made of. Its
// weights are drawn from r.
type draft struct {
	*onnx.Builder
	r      *rand.Rand
	layers int
}

// input declares the graph's input x of the given shape a sample.
func (d *draft) input(shape ...int64) string {
	dims := []onnx.Dim{onnx.Symbolic("N")}
	for _, s := range shape {
		dims = append(dims, onnx.Fixed(s))
	}
	return d.Input("x", onnx.Float32, dims...)
}

// weight adds a normally distributed weight of the given deviation.
func (d *draft) weight(deviation float64, shape ...int) string {
	n, dims := 1, make([]int64, len(shape))
	for i, s := range shape {
		n *= s
		dims[i] = int64(s)
	}
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(deviation * d.r.NormFloat64())
	}
	return d.Float32(d.stem(), dims, v)
}

// constant adds a weight of n equal numbers.
func (d *draft) constant(v float32, n int) string {
	list := make([]float32, n)
	for i := range list {
		list[i] = v
	}
	return d.Float32(d.stem(), []int64{int64(n)}, list)
}

// stem names the weights of a layer.
func (d *draft) stem() string {
	d.layers++
	return "layer" + strconv.Itoa(d.layers)
}

func (d *draft) relu(x string) string { return d.Op("Relu", []string{x}) }

// scale multiplies by a number that is not trained.
func (d *draft) scale(x string, by float32) string {
	return d.Op("Mul", []string{x, d.Float32("factor", nil, []float32{by})})
}

// linear is a fully connected layer on [N, in].
func (d *draft) linear(x string, in, out int) string {
	return d.Op("Gemm", []string{x, d.weight(math.Sqrt(2/float64(in)), out, in), d.constant(0, out)}, onnx.Int("transB", 1))
}

// tokens is a fully connected layer on the last axis of [N, tokens, in].
func (d *draft) tokens(x string, in, out int) string {
	return d.Op("Add", []string{d.Op("MatMul", []string{x, d.weight(math.Sqrt(1/float64(in)), in, out)}), d.constant(0, out)})
}

// conv is a square convolution of pictures.
func (d *draft) conv(x string, in, out, size, pad, stride, group int, bias bool) string {
	args := []string{x, d.weight(math.Sqrt(2/float64(in/group*size*size)), out, in/group, size, size)}
	if bias {
		args = append(args, d.constant(0, out))
	}
	p, s := int64(pad), int64(stride)
	return d.Op("Conv", args, onnx.Ints("pads", p, p, p, p), onnx.Ints("strides", s, s), onnx.Int("group", int64(group)))
}

// wave is a convolution of sequences with an odd number of taps.
func (d *draft) wave(x string, in, out, taps, stride int) string {
	args := []string{x, d.weight(math.Sqrt(2/float64(in*taps)), out, in, taps), d.constant(0, out)}
	pad := int64(taps / 2)
	return d.Op("Conv", args, onnx.Ints("pads", pad, pad), onnx.Ints("strides", int64(stride)))
}

// norm is a BatchNormalization of n channels.
func (d *draft) norm(x string, n int) string {
	return d.Op("BatchNormalization", []string{x, d.constant(1, n), d.constant(0, n), d.constant(0, n), d.constant(1, n)})
}

func (d *draft) layerNorm(x string, n int) string {
	return d.Op("LayerNormalization", []string{x, d.constant(1, n), d.constant(0, n)})
}

// pool is the mean over all positions, [N, C].
func (d *draft) pool(x string) string {
	return d.Op("Flatten", []string{d.Op("GlobalAveragePool", []string{x})})
}

// divergence is the distillation loss at temperature 4, [N].
func (d *draft) divergence(scores, target string) string {
	axis := onnx.Int("axis", 1)
	scores, target = d.scale(scores, 0.25), d.scale(target, 0.25)
	gap := d.Op("Sub", []string{d.Op("LogSoftmax", []string{target}, axis), d.Op("LogSoftmax", []string{scores}, axis)})
	terms := d.Op("Mul", []string{d.Op("Softmax", []string{target}, axis), gap})
	sum := d.Op("ReduceSum", []string{terms, d.Int64("axes", []int64{1}, []int64{1})}, onnx.Int("keepdims", 0))
	return d.scale(sum, 16)
}
