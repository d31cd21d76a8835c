// SPDX-License-Identifier: Apache-2.0

package student

import (
	"fmt"
	"math"
	"strconv"

	"github.com/kdcompress/kdcompress/onnx"
)

// conv1d is a convolutional net over time: stages of convolutions with BatchNorm
// and ReLU, each stage after the first halving the length and doubling the
// channels, then the mean over time and a linear layer. It reads signals of any
// length.
var _ = register(Arch{
	Name:    "conv1d",
	Summary: "convolutions over time in stages, for signals",
	Options: []Option{
		{Name: "width", Default: "16", Doc: "channels of the first stage", Min: 1, Max: 4096},
		{Name: "depth", Default: "3", Doc: "stages", Min: 1, Max: 8},
		{Name: "convs", Default: "1", Doc: "convolutions a stage", Min: 1, Max: 16},
		{Name: "kernel", Default: "5", Doc: "taps of a convolution", Min: 1, Max: 63},
		{Name: "stem", Default: "1", Doc: "stride of the first convolution", Min: 1, Max: 16},
	},
	Fits: func(inputs []Input) error {
		if len(inputs) != 1 {
			return fmt.Errorf("a conv1d reads one input, the teacher has %d", len(inputs))
		}
		if s := inputs[0].Shape; len(s) < 1 || len(s) > 2 || inputs[0].Vocab > 0 {
			return fmt.Errorf("a conv1d reads signals, [length], [channels, length] or [length, channels]; a sample here is %v of %s", s, inputs[0].Type)
		}
		return nil
	},
	Emit: emitConv1d,
})

func emitConv1d(e *Emitter) string {
	in := e.Inputs[0]
	x, c := e.Float(in), 1
	switch s := in.Shape; {
	case len(s) == 1:
		x = e.Reshaped(x, 0, 1, -1)
	case s[0] <= s[1]:
		c = s[0]
	default: // more places than channels: time comes first
		x, c = e.Op("Transpose", []string{x}, onnx.Ints("perm", 0, 2, 1)), s[1]
	}
	width := e.Int("width")
	for stage := range e.Int("depth") {
		for i := range e.Int("convs") {
			stem := "stage" + strconv.Itoa(stage+1) + ".conv" + strconv.Itoa(i+1)
			stride := 1
			switch {
			case stage == 0 && i == 0:
				stride = e.Int("stem")
			case i == 0:
				stride = 2
			}
			out := width << stage
			x = e.Conv1D(stem, x, c, out, e.Int("kernel"), stride, 1)
			x = e.Op("Relu", []string{e.BatchNorm(stem+".norm", x, out)})
			c = out
		}
	}
	return e.MeanLinear(x, c)
}

// Conv1D is a convolution over the last axis of [N, in, L] without a bias, padded
// so that a stride of s divides the length by s, rounding up.
func (e *Emitter) Conv1D(stem, x string, in, out, size, stride, group int) string {
	w := e.Normal(stem+".weight", math.Sqrt(2/float64(in/group*size)), int64(out), int64(in/group), int64(size))
	return e.OpNamed(stem, "Conv", []string{x, w}, onnx.Ints("kernel_shape", int64(size)), onnx.Ints("strides", int64(stride)),
		onnx.Ints("pads", int64(size/2), int64((size-1)/2)), onnx.Ints("dilations", 1), onnx.Int("group", int64(group)))
}
