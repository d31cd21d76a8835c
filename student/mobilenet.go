// SPDX-License-Identifier: Apache-2.0

package student

import "strconv"

// mobilenet is a net of inverted residuals: a 1x1 convolution widens, a depthwise
// 3x3 one filters, a 1x1 one without an activation narrows, and the input is added
// where shapes allow (Sandler et al. 2018, arXiv:1801.04381). ReLU stands for that
// paper's ReLU6, whose bound serves fixed-point arithmetic.
var _ = register(Arch{
	Name:    "mobilenet",
	Summary: "inverted residuals with depthwise convolutions, for pictures",
	Options: []Option{
		{Name: "width", Default: "16", Doc: "channels of the first stage", Min: 1, Max: 512},
		{Name: "depth", Default: "2", Doc: "blocks a stage", Min: 1, Max: 32},
		{Name: "stages", Default: "3", Doc: "stages", Min: 1, Max: 5},
		{Name: "expand", Default: "4", Doc: "how many times wider a block is inside", Min: 1, Max: 8},
		{Name: "stem", Default: "1", Doc: "stride of the first convolution", Min: 1, Max: 4},
	},
	Fits:    func(inputs []Input) error { return onePicture("mobilenet", inputs) },
	Propose: func(inputs []Input) []map[string]string { return proposePicture(inputs, "stages", nil) },
	Emit:    emitMobilenet,
})

func emitMobilenet(e *Emitter) string {
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
			around, inside := x, c*e.Int("expand")
			if inside != c {
				x = e.ConvNorm(stem+".widen", x, c, inside, 1, 1, 1, true)
			}
			x = e.ConvNorm(stem+".filter", x, inside, inside, 3, stride, inside, true)
			x = e.ConvNorm(stem+".narrow", x, inside, out, 1, 1, 1, false)
			if out == c && stride == 1 {
				x = e.OpNamed(stem, "Add", []string{x, around})
			}
			c = out
		}
	}
	x = e.ConvNorm("head", x, c, 2*c, 1, 1, 1, true)
	return e.MeanLinear(x, 2*c)
}
