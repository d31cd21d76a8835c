// SPDX-License-Identifier: Apache-2.0

package student

import (
	"fmt"
	"maps"
	"strconv"

	"github.com/kdcompress/kdcompress/onnx"
)

// picture reads a per-sample shape as a picture. Where both ends could count
// channels, the first does.
func picture(shape []int) (c, h, w int, layout string, ok bool) {
	switch {
	case len(shape) == 2 && shape[0] > 1 && shape[1] > 1:
		return 1, shape[0], shape[1], "nhw", true
	case len(shape) == 3 && (shape[0] <= 4 || shape[2] > 4):
		return shape[0], shape[1], shape[2], "nchw", true
	case len(shape) == 3:
		return shape[2], shape[0], shape[1], "nhwc", true
	}
	return 0, 0, 0, "", false
}

// onePicture says why an architecture that reads one picture cannot read these
// inputs.
func onePicture(arch string, inputs []Input) error {
	if len(inputs) != 1 {
		return fmt.Errorf("a %s reads one input, the teacher has %d", arch, len(inputs))
	}
	if _, _, _, _, ok := picture(inputs[0].Shape); !ok {
		return fmt.Errorf("a %s reads pictures, [channels, height, width], [height, width, channels] or [height, width]; a sample here is %v", arch, inputs[0].Shape)
	}
	return nil
}

// proposePicture is a net whose last maps are 4 to 7 places high, with a coarse stem
// for large pictures, and what else is given. The number of stages goes by name.
func proposePicture(inputs []Input, stages string, more ...map[string]string) []map[string]string {
	_, h, w, _, _ := picture(inputs[0].Shape)
	side, stem, depth := min(h, w), 1, 1
	for stem < 4 && side/stem >= 64 {
		stem *= 2
	}
	for depth < 5 && side/stem>>depth >= 4 {
		depth++
	}
	var list []map[string]string
	for _, m := range more {
		o := map[string]string{stages: strconv.Itoa(depth)}
		if stem > 1 {
			o["stem"] = strconv.Itoa(stem)
		}
		maps.Copy(o, m)
		list = append(list, o)
	}
	return list
}

// Picture is the first input as floats [N, c, h, w].
func (e *Emitter) Picture() (x string, c, h, w int) {
	in := e.Inputs[0]
	x = e.Float(in)
	c, h, w, layout, _ := picture(in.Shape)
	switch layout {
	case "nhwc":
		x = e.Op("Transpose", []string{x}, onnx.Ints("perm", 0, 3, 1, 2))
	case "nhw":
		x = e.Reshaped(x, 0, 1, int64(h), int64(w))
	}
	return x, c, h, w
}

// ConvNorm is a Conv with BatchNorm behind it, and a ReLU where asked for.
func (e *Emitter) ConvNorm(stem, x string, in, out, size, stride, group int, relu bool) string {
	x = e.BatchNorm(stem+".norm", e.Conv(stem, x, in, out, size, stride, group), out)
	if relu {
		x = e.Op("Relu", []string{x})
	}
	return x
}

// MeanLinear is the mean over all places of [N, c, ...], then logits.
func (e *Emitter) MeanLinear(x string, c int) string {
	x = e.Op("GlobalAveragePool", []string{x})
	x = e.Op("Flatten", []string{x}, onnx.Int("axis", 1))
	return e.Linear("logits", x, c, e.Width, 1)
}
