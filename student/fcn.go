// SPDX-License-Identifier: Apache-2.0

package student

import (
	"fmt"
	"strconv"

	"github.com/kdcompress/kdcompress/onnx"
)

// fcn is a fully convolutional net (Long et al. 2015, arXiv:1411.4038) from a
// picture to a picture of the same size, or one that is a whole number of times
// as large or as small. Convolutions with ReLU, the last of which gives every
// place of the answer; a larger answer is put together from channels by
// DepthToSpace (Shi et al. 2016, arXiv:1609.05158). A linear convolution from the
// input to the answer stands beside them, so that what is left to learn is what
// an interpolation misses. It reads pictures of any size.
var _ = register(Arch{
	Name:    "fcn",
	Summary: "a fully convolutional net, from pictures to pictures",
	Options: []Option{
		{Name: "width", Default: "16", Doc: "channels", Min: 1, Max: 4096},
		{Name: "depth", Default: "3", Doc: "convolutions before the last", Min: 1, Max: 64},
		{Name: "norm", Default: "none", Doc: "normalisation while training, folded at export", Choices: []string{"none", "batch"}},
	},
	Fits: func(inputs []Input) error { return onePicture("fcn", inputs) },
	Gives: func(inputs []Input, answer []int) error {
		_, _, _, err := scaled(inputs[0].Shape, answer)
		return err
	},
	Emit: emitFCN,
})

// scaled says how an answer's picture relates to the input's: its channels, how
// many times larger or smaller it is (one of the two is 1).
func scaled(input, answer []int) (channels, up, down int, err error) {
	_, h, w, layout, _ := picture(input)
	var ah, aw int
	switch {
	case len(answer) == 2 && layout == "nhw":
		channels, ah, aw = 1, answer[0], answer[1]
	case len(answer) == 3 && layout == "nhwc":
		channels, ah, aw = answer[2], answer[0], answer[1]
	case len(answer) == 3:
		channels, ah, aw = answer[0], answer[1], answer[2]
	default:
		return 0, 0, 0, fmt.Errorf("an fcn answers a picture with a picture, not with %v", answer)
	}
	switch {
	case ah > 0 && ah%h == 0 && aw%w == 0 && ah/h == aw/w:
		return channels, ah / h, 1, nil
	case ah > 0 && aw > 0 && h%ah == 0 && w%aw == 0 && h/ah == w/aw:
		return channels, 1, h / ah, nil
	}
	return 0, 0, 0, fmt.Errorf("an fcn answers with pictures a whole number of times as large or as small; %v for %v is not", answer, input)
}

func emitFCN(e *Emitter) string {
	in := e.Inputs[0].Shape
	channels, up, down, _ := scaled(in, e.Answer)
	picture, c, _, _ := e.Picture()
	x, from := picture, c
	for i := range e.Int("depth") {
		stem, stride := "conv"+strconv.Itoa(i+1), 1
		if i == 0 {
			stride = down
		}
		if e.Text("norm") == "batch" {
			x = e.ConvNorm(stem, x, from, e.Int("width"), max(3, stride), stride, 1, true)
		} else {
			x = e.Op("Relu", []string{e.biased(stem, x, from, e.Int("width"), max(3, stride|1), stride, 2)})
		}
		from = e.Int("width")
	}
	all := channels * up * up
	x = e.biased("answer", x, from, all, 3, 1, 0.1)
	straight := e.Conv("straight", picture, c, all, max(5, down|1), down, 1)
	e.soften(0.1)
	x = e.Op("Add", []string{x, straight})
	if up > 1 {
		x = e.Op("DepthToSpace", []string{x}, onnx.Int("blocksize", int64(up)))
	}
	switch {
	case len(e.Answer) == 2:
		x = e.Reshaped(x, 0, int64(e.Answer[0]), int64(e.Answer[1]))
	case len(in) == 3 && e.Answer[2] == channels && layoutOf(in) == "nhwc":
		x = e.Op("Transpose", []string{x}, onnx.Ints("perm", 0, 2, 3, 1))
	}
	return x
}

func layoutOf(shape []int) string {
	_, _, _, layout, _ := picture(shape)
	return layout
}

// biased is Conv with a bias; gain is the variance its weights are to keep.
func (e *Emitter) biased(stem, x string, in, out, size, stride int, gain float64) string {
	y := e.Conv(stem, x, in, out, size, stride, 1)
	e.soften(gain)
	n := e.G.Nodes[len(e.G.Nodes)-1]
	n.Inputs = append(n.Inputs, e.Constant(stem+".bias", 0, int64(out)))
	return y
}

// soften gives the weights of the Conv emitted last another gain than its own of 2.
func (e *Emitter) soften(gain float64) {
	n := e.G.Nodes[len(e.G.Nodes)-1]
	if t := e.G.Initializer(n.Inputs[1]); t != nil && gain != 2 {
		rescale(t, gain/2)
	}
}
