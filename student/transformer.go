// SPDX-License-Identifier: Apache-2.0

package student

import (
	"fmt"
	"math"
	"strconv"

	"github.com/kdcompress/kdcompress/onnx"
)

// transformer is an encoder over token ids, or over a sequence of vectors: layers
// of attention and feed-forward with LayerNormalization before each and the input
// added after (Vaswani et al. 2017, arXiv:1706.03762; Xiong et al. 2020,
// arXiv:2002.04745), then the mean over the places that count. Where a token stands
// enters by a depthwise convolution over the first layer's input (Chu et al. 2021,
// arXiv:2102.10882), which serves sequences of any length.
var _ = register(Arch{
	Name:    "transformer",
	Summary: "attention and feed-forward layers, for token ids and sequences of vectors",
	Options: []Option{
		{Name: "width", Default: "64", Doc: "numbers a token, rounded up to a multiple of heads", Min: 1, Max: 1024},
		{Name: "depth", Default: "2", Doc: "layers", Min: 1, Max: 48},
		{Name: "heads", Default: "4", Doc: "attention heads", Min: 1, Max: 64},
		{Name: "expand", Default: "4", Doc: "how many times wider the feed-forward is inside", Min: 1, Max: 8},
		{Name: "embed", Default: "32", Doc: "numbers a token in the table", Min: 1, Max: 1024},
	},
	Fits: func(inputs []Input) error {
		if len(inputs) == 1 && len(inputs[0].Shape) == 2 && inputs[0].Vocab == 0 {
			return nil
		}
		if err := text("transformer", inputs); err != nil {
			return fmt.Errorf("%w; nor is a sample one sequence of vectors", err)
		}
		return nil
	},
	Emit: emitTransformer,
})

func emitTransformer(e *Emitter) string {
	heads := e.Int("heads")
	width := (e.Int("width") + heads - 1) / heads * heads
	var x, mask string
	features := e.Int("embed")
	if in := e.Inputs[0]; len(in.Shape) == 2 {
		x = e.Dense("vectors", e.Float(in), in.Shape[1], features, 1)
	} else {
		x, mask = e.Tokens(features)
	}
	x = e.Dense("project", x, features, width, 1)
	// Places enter through what stands beside them.
	y := e.Op("Transpose", []string{x}, onnx.Ints("perm", 0, 2, 1))
	y = e.Conv1D("places", y, width, width, 7, 1, width)
	x = e.Op("Add", []string{x, e.Op("Transpose", []string{y}, onnx.Ints("perm", 0, 2, 1))})
	hidden := ""
	if mask != "" {
		// What is left out gets -10000 before the softmax.
		hidden = e.Op("Mul", []string{e.Op("Sub", []string{mask, e.number("seen", 1)}), e.number("far", 1e4)})
		hidden = e.Reshaped(hidden, 0, 1, 1, -1)
	}
	for i := range e.Int("depth") {
		stem := "layer" + strconv.Itoa(i+1)
		y := e.attention(stem, e.layerNorm(stem+".norm1", x, width), hidden, width, heads)
		x = e.Op("Add", []string{x, y})
		y = e.layerNorm(stem+".norm2", x, width)
		y = e.Op("Relu", []string{e.Dense(stem+".inner", y, width, width*e.Int("expand"), 2)})
		x = e.Op("Add", []string{x, e.Dense(stem+".outer", y, width*e.Int("expand"), width, 1)})
	}
	x = e.layerNorm("norm", x, width)
	if mask != "" {
		x = e.Op("Mul", []string{x, mask})
	}
	x = e.Op("GlobalAveragePool", []string{e.Op("Transpose", []string{x}, onnx.Ints("perm", 0, 2, 1))})
	if mask != "" {
		share := e.Op("GlobalAveragePool", []string{e.Reshaped(mask, 0, 1, -1)})
		x = e.Op("Div", []string{x, e.Op("Add", []string{share, e.number("least", 1e-6)})})
	}
	x = e.Op("Flatten", []string{x}, onnx.Int("axis", 1))
	return e.Linear("logits", x, width, e.Width, 1)
}

// number is a constant of a formula.
func (e *Emitter) number(stem string, v float32) string { return e.Float32(stem, nil, []float32{v}) }

// attention is softmax(q k' / sqrt(d) + hidden) v over heads of width/heads numbers.
func (e *Emitter) attention(stem, x, hidden string, width, heads int) string {
	head := width / heads
	split := func(name string, perm ...int64) string {
		y := e.Reshaped(e.Dense(stem+"."+name, x, width, width, 1), 0, 0, int64(heads), int64(head))
		return e.Op("Transpose", []string{y}, onnx.Ints("perm", perm...))
	}
	q, k, v := split("query", 0, 2, 1, 3), split("key", 0, 2, 3, 1), split("value", 0, 2, 1, 3)
	s := e.Op("Mul", []string{e.Op("MatMul", []string{q, k}), e.number(stem+".scale", float32(1/math.Sqrt(float64(head))))})
	if hidden != "" {
		s = e.Op("Add", []string{s, hidden})
	}
	y := e.Op("MatMul", []string{e.Op("Softmax", []string{s}, onnx.Int("axis", 3)), v})
	y = e.Reshaped(e.Op("Transpose", []string{y}, onnx.Ints("perm", 0, 2, 1, 3)), 0, 0, int64(width))
	return e.Dense(stem+".attention", y, width, width, 1)
}

// layerNorm normalises the last axis, of c numbers. Before opset 17 it is spelled
// out, in the form that runtimes recognise.
func (e *Emitter) layerNorm(stem, x string, c int) string {
	const epsilon = 1e-5
	scale, bias := e.Constant(stem+".scale", 1, int64(c)), e.Constant(stem+".bias", 0, int64(c))
	if e.opset >= 17 {
		return e.OpNamed(stem, "LayerNormalization", []string{x, scale, bias}, onnx.Int("axis", -1), onnx.Float("epsilon", epsilon))
	}
	mean := func(x string) string {
		return e.Op("ReduceMean", []string{x}, onnx.Ints("axes", -1), onnx.Int("keepdims", 1))
	}
	d := e.Op("Sub", []string{x, mean(x)})
	variance := mean(e.Op("Mul", []string{d, d}))
	d = e.Op("Div", []string{d, e.Op("Sqrt", []string{e.Op("Add", []string{variance, e.number(stem+".epsilon", epsilon)})})})
	return e.OpNamed(stem, "Add", []string{e.Op("Mul", []string{d, scale}), bias})
}
