// SPDX-License-Identifier: Apache-2.0

package student

import (
	"fmt"
	"strconv"

	"github.com/kdcompress/kdcompress/onnx"
)

// tabular is a residual net over columns: a layer, then blocks of two layers
// around which the input is added (the ResNet of Gorishniy et al. 2021,
// arXiv:2106.11959, with its BatchNorm behind each layer instead of before, so that
// it folds at export). The first BatchNorm takes the scale out of columns that were
// not normalised. Columns that the teacher looks up in a table get one of their own.
var _ = register(Arch{
	Name:    "tabular",
	Summary: "residual layers with BatchNorm, for columns of numbers",
	Options: []Option{
		{Name: "width", Default: "64", Doc: "units of a block", Min: 1, Max: 1024},
		{Name: "depth", Default: "1", Doc: "blocks", Min: 0, Max: 64},
		{Name: "expand", Default: "2", Doc: "how many times wider a block is inside", Min: 1, Max: 8},
		{Name: "embed", Default: "8", Doc: "numbers of a column that has a table", Min: 1, Max: 1024},
	},
	Fits: func(inputs []Input) error {
		for _, in := range inputs {
			if len(in.Shape) > 1 {
				return fmt.Errorf("a tabular student reads columns, [columns] or single numbers; input %q is %v a sample", in.Tensor, in.Shape)
			}
		}
		return nil
	},
	Emit: emitTabular,
})

func emitTabular(e *Emitter) string {
	var columns []string
	features := 0
	for i, in := range e.Inputs {
		n, x := 1, ""
		for _, d := range in.Shape {
			n *= d
		}
		if in.Vocab > 0 {
			x = e.Embed("column"+strconv.Itoa(i+1), in, e.Int("embed"))
			n *= e.Int("embed")
		} else {
			x = e.Float(in)
		}
		if len(in.Shape) != 1 || in.Vocab > 0 {
			x = e.Op("Flatten", []string{x}, onnx.Int("axis", 1))
		}
		columns = append(columns, x)
		features += n
	}
	x := columns[0]
	if len(columns) > 1 {
		x = e.Op("Concat", columns, onnx.Int("axis", 1))
	}
	width := e.Int("width")
	inside := width * e.Int("expand")
	x = e.Op("Relu", []string{e.BatchNorm("first.norm", e.Linear("first", x, features, width, 1), width)})
	for i := range e.Int("depth") {
		stem := "block" + strconv.Itoa(i+1)
		y := e.BatchNorm(stem+".norm1", e.Linear(stem+".layer1", x, width, inside, 2), inside)
		y = e.Linear(stem+".layer2", e.Op("Relu", []string{y}), inside, width, 1)
		x = e.Op("Relu", []string{e.OpNamed(stem, "Add", []string{x, e.BatchNorm(stem+".norm2", y, width)})})
	}
	return e.Linear("logits", x, width, e.Width, 1)
}
