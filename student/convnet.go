// SPDX-License-Identifier: Apache-2.0

package student

import (
	"strconv"

	"github.com/kdcompress/kdcompress/onnx"
)

// convnet is a plain convolutional net: stages of 3x3 convolutions with
// BatchNorm and ReLU, each stage after the first halving the picture and doubling
// the channels, then one linear layer. With depthwise=yes the convolutions after
// the first are depthwise 3x3 followed by 1x1 (Howard et al. 2017,
// arXiv:1704.04861).
var _ = register(Arch{
	Name:    "convnet",
	Summary: "3x3 convolutions in stages, for pictures",
	Options: []Option{
		{Name: "width", Default: "16", Doc: "channels of the first stage", Min: 1, Max: 4096},
		{Name: "depth", Default: "3", Doc: "stages", Min: 1, Max: 8},
		{Name: "convs", Default: "1", Doc: "convolutions a stage", Min: 1, Max: 16},
		{Name: "depthwise", Default: "no", Doc: "depthwise separable convolutions", Choices: []string{"yes", "no"}},
		{Name: "stem", Default: "1", Doc: "stride of the first convolution", Min: 1, Max: 4},
		{Name: "norm", Default: "batch", Doc: "normalisation while training, folded at export", Choices: []string{"batch", "none"}},
		{Name: "head", Default: "flatten", Doc: "how the last picture becomes a vector", Choices: []string{"flatten", "mean"}},
	},
	Fits: func(inputs []Input) error { return onePicture("convnet", inputs) },
	Propose: func(inputs []Input) []map[string]string {
		return proposePicture(inputs, "depth", nil, map[string]string{"convs": "2", "head": "mean"},
			map[string]string{"convs": "2", "head": "mean", "depthwise": "yes"})
	},
	Emit: emitConvnet,
})

func emitConvnet(e *Emitter) string {
	x, c, h, w := e.Picture()
	layer := func(stem string, in, out, size, stride, group int) {
		x = e.Conv(stem, x, in, out, size, stride, group)
		if e.Text("norm") == "batch" {
			x = e.BatchNorm(stem+".norm", x, out)
		}
		x = e.Op("Relu", []string{x})
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
			if e.Text("depthwise") == "yes" && c > 4 {
				layer(stem+".depthwise", c, c, 3, stride, c)
				layer(stem, c, out, 1, 1, 1)
			} else {
				layer(stem, c, out, 3, stride, 1)
			}
			c, h, w = out, (h+stride-1)/stride, (w+stride-1)/stride
		}
	}
	features := c * h * w
	if e.Text("head") == "mean" {
		x = e.Op("GlobalAveragePool", []string{x})
		features = c
	}
	x = e.Op("Flatten", []string{x}, onnx.Int("axis", 1))
	return e.Linear("logits", x, features, e.Width, 1)
}
