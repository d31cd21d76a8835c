// SPDX-License-Identifier: Apache-2.0

package student

import (
	"fmt"
	"math"
	"strconv"

	"github.com/kdcompress/kdcompress/onnx"
)

// tcn answers at every place of a sequence: residual layers of dilated
// convolutions over time (Bai et al. 2018, arXiv:1803.01271, looking both ways),
// the distance between taps doubling from layer to layer, then a linear layer at
// every place. It reads token ids, or vectors, of any length.
var _ = register(Arch{
	Name:    "tcn",
	Summary: "dilated convolutions over time, with an answer at every place",
	Options: []Option{
		{Name: "width", Default: "32", Doc: "channels", Min: 1, Max: 4096},
		{Name: "depth", Default: "4", Doc: "layers", Min: 1, Max: 12},
		{Name: "kernel", Default: "3", Doc: "taps of a convolution, an odd number", Min: 1, Max: 31},
	},
	Fits: func(inputs []Input) error {
		if s := inputs[0].Shape; len(inputs) == 1 && len(s) == 2 && inputs[0].Type.IsFloat() {
			return nil
		}
		return text("tcn", inputs)
	},
	Gives: func(inputs []Input, answer []int) error {
		if l := inputs[0].Shape[0]; len(answer) != 2 || (answer[0] != l && answer[1] != l) {
			return fmt.Errorf("a tcn answers at every place of a sequence, [%d, classes] here, not with %v", l, answer)
		}
		return nil
	},
	Emit: emitTCN,
})

func emitTCN(e *Emitter) string {
	width, taps := e.Int("width"), e.Int("kernel")|1
	var x string
	if in := e.Inputs[0]; len(in.Shape) == 2 {
		x = e.Dense("embedding", e.Float(in), in.Shape[1], width, 1)
	} else {
		var mask string
		if x, mask = e.Tokens(width); mask != "" {
			x = e.Op("Mul", []string{x, mask})
		}
	}
	x = e.Op("Transpose", []string{x}, onnx.Ints("perm", 0, 2, 1))
	for i := range e.Int("depth") {
		stem := "layer" + strconv.Itoa(i+1)
		y := e.dilated(stem, x, width, taps, 1<<i)
		y = e.Op("Relu", []string{e.BatchNorm(stem+".norm", y, width)})
		x = e.Op("Add", []string{x, y})
	}
	l, classes := e.Inputs[0].Shape[0], e.Answer[1]
	before := e.Answer[0] != l // classes come before places
	if before {
		classes = e.Answer[0]
	}
	x = e.Dense("logits", e.Op("Transpose", []string{x}, onnx.Ints("perm", 0, 2, 1)), width, classes, 1)
	if before {
		x = e.Op("Transpose", []string{x}, onnx.Ints("perm", 0, 2, 1))
	}
	return x
}

// dilated is a convolution over the last axis of [N, c, L] that keeps the length,
// its taps apart places from each other.
func (e *Emitter) dilated(stem, x string, c, taps, apart int) string {
	w := e.Normal(stem+".weight", math.Sqrt(2/float64(c*taps)), int64(c), int64(c), int64(taps))
	pad := int64(taps / 2 * apart)
	return e.OpNamed(stem, "Conv", []string{x, w}, onnx.Ints("kernel_shape", int64(taps)), onnx.Ints("strides", 1),
		onnx.Ints("pads", pad, pad), onnx.Ints("dilations", int64(apart)), onnx.Int("group", 1))
}
