// SPDX-License-Identifier: Apache-2.0

package student

import (
	"strconv"

	"github.com/kdcompress/kdcompress/onnx"
)

// mlp is a perceptron: every input flattened, joined, then hidden layers with ReLU.
var _ = register(Arch{
	Name:    "mlp",
	Summary: "fully connected layers with ReLU, for any input",
	Options: []Option{
		{Name: "width", Default: "128", Doc: "units of a hidden layer", Min: 1, Max: 65536},
		{Name: "depth", Default: "2", Doc: "hidden layers", Min: 0, Max: 64},
	},
	Fits: func([]Input) error { return nil },
	Propose: func([]Input) []map[string]string {
		return []map[string]string{{"depth": "1"}, {"depth": "2"}}
	},
	Emit: func(e *Emitter) string {
		var flat []string
		features := 0
		for _, in := range e.Inputs {
			n := 1
			for _, d := range in.Shape {
				n *= d
			}
			features += n
			x := e.Float(in)
			if len(in.Shape) != 1 {
				x = e.Op("Flatten", []string{x}, onnx.Int("axis", 1))
			}
			flat = append(flat, x)
		}
		x := flat[0]
		if len(flat) > 1 {
			x = e.Op("Concat", flat, onnx.Int("axis", 1))
		}
		for i := range e.Int("depth") {
			x = e.Linear("hidden"+strconv.Itoa(i+1), x, features, e.Int("width"), 2)
			x = e.Op("Relu", []string{x})
			features = e.Int("width")
		}
		return e.Linear("logits", x, features, e.Width, 1)
	},
})
