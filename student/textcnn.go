// SPDX-License-Identifier: Apache-2.0

package student

import (
	"strconv"

	"github.com/kdcompress/kdcompress/onnx"
)

// textcnn looks token ids up in a table and takes, of convolutions of several
// lengths over the text, the largest response anywhere (Kim 2014,
// arXiv:1408.5882).
var _ = register(Arch{
	Name:    "textcnn",
	Summary: "embedding and convolutions of several lengths, for token ids",
	Options: []Option{
		{Name: "width", Default: "64", Doc: "filters of a length", Min: 1, Max: 4096},
		{Name: "embed", Default: "32", Doc: "numbers a token", Min: 1, Max: 1024},
		{Name: "depth", Default: "3", Doc: "lengths, from 2 tokens on", Min: 1, Max: 8},
	},
	Fits: func(inputs []Input) error { return text("textcnn", inputs) },
	Emit: func(e *Emitter) string {
		width, embed := e.Int("width"), e.Int("embed")
		x, _ := e.Tokens(embed)
		x = e.Op("Transpose", []string{x}, onnx.Ints("perm", 0, 2, 1))
		var found []string
		for i := range e.Int("depth") {
			stem := "words" + strconv.Itoa(i+2)
			y := e.BatchNorm(stem+".norm", e.Conv1D(stem, x, embed, width, i+2, 1, 1), width)
			found = append(found, e.Op("GlobalMaxPool", []string{e.Op("Relu", []string{y})}))
		}
		x = found[0]
		if len(found) > 1 {
			x = e.Op("Concat", found, onnx.Int("axis", 1))
		}
		x = e.Op("Flatten", []string{x}, onnx.Int("axis", 1))
		return e.Linear("logits", x, width*len(found), e.Width, 1)
	},
})
