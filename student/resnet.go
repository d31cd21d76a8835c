// SPDX-License-Identifier: Apache-2.0

package student

import "strconv"

// resnet is a residual net of basic blocks, two 3x3 convolutions around which the
// input is added; a stage after the first halves the picture and doubles the
// channels, with a 1x1 convolution on the way around (He et al. 2016,
// arXiv:1512.03385).
var _ = register(Arch{
	Name:    "resnet",
	Summary: "residual blocks of 3x3 convolutions in stages, for pictures",
	Options: []Option{
		{Name: "width", Default: "16", Doc: "channels of the first stage", Min: 1, Max: 512},
		{Name: "depth", Default: "1", Doc: "blocks a stage", Min: 1, Max: 32},
		{Name: "stages", Default: "3", Doc: "stages", Min: 1, Max: 5},
		{Name: "stem", Default: "1", Doc: "stride of the first convolution", Min: 1, Max: 4},
	},
	Fits:    func(inputs []Input) error { return onePicture("resnet", inputs) },
	Propose: func(inputs []Input) []map[string]string { return proposePicture(inputs, "stages", nil) },
	Emit:    emitResnet,
})

func emitResnet(e *Emitter) string {
	x, c, _, _ := e.Picture()
	width := e.Int("width")
	x = e.ConvNorm("stem", x, c, width, 3, e.Int("stem"), 1, true)
	c = width
	for stage := range e.Int("stages") {
		for i := range e.Int("depth") {
			stem := "stage" + strconv.Itoa(stage+1) + ".block" + strconv.Itoa(i+1)
			out, stride := width<<stage, 1
			if stage > 0 && i == 0 {
				stride = 2
			}
			around := x
			if out != c || stride != 1 {
				around = e.ConvNorm(stem+".around", x, c, out, 1, stride, 1, false)
			}
			x = e.ConvNorm(stem+".conv1", x, c, out, 3, stride, 1, true)
			x = e.ConvNorm(stem+".conv2", x, out, out, 3, 1, 1, false)
			x = e.Op("Relu", []string{e.OpNamed(stem, "Add", []string{x, around})})
			c = out
		}
	}
	return e.MeanLinear(x, c)
}
