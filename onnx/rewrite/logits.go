// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"fmt"
	"strings"

	"github.com/kdcompress/kdcompress/onnx"
)

// Knowledge says where a model's answer can be read best.
type Knowledge struct {
	// Output is the graph output that was chosen.
	Output string
	// Logits is the tensor to tap.
	Logits string
	// Kind is KindLogits or KindProbabilities.
	Kind string
	// Task is what the closing operators tell of the answer's meaning: Classify
	// behind a softmax or an ArgMax, Multilabel behind a Sigmoid, Embed behind a
	// division by the length, "" where the file does not tell.
	Task Task
	// Closing are the nodes from Logits to Output in graph order, nil if the two
	// are the same tensor. They belong to the model that was looked at.
	Closing []*onnx.Node
	// Axis is the axis of the classes, as ONNX counts axes. The last one is -1
	// wherever the file lets the rank be known.
	Axis int
}

// The kinds of Knowledge.
const (
	// KindLogits are scores that a softmax turns into probabilities. An output
	// that no softmax precedes counts as such, whatever it means.
	KindLogits = "logits"
	// KindProbabilities sum to one and have no logits before them in the graph;
	// their logarithm serves, since softmax(log p) = p.
	KindProbabilities = "probabilities"
)

// FindKnowledge finds the tensor that carries the logits behind an output, or,
// where output is empty, behind the first floating-point output, else behind the
// first one that an ArgMax or a threshold computes. It is the input of a closing
// Softmax or LogSoftmax, also one spelled as Exp, ReduceSum and Div; of a closing
// Sigmoid, also one spelled with Neg and Exp; the scores an ArgMax chooses from;
// a vector before it is divided by its length; else the output itself. Identity,
// Cast, Flatten, Squeeze, Unsqueeze, Reshape, Transpose, ZipMap and a comparison
// with a constant may stand between, and a list that names are looked up in. Of a classifier of ai.onnx.ml it is the
// output of probabilities. The error lists the model's outputs.
func FindKnowledge(m *onnx.Model, output string) (Knowledge, error) {
	f := finder{m: m, producers: m.Graph.Producers()}
	var choices []*onnx.Value
	for _, v := range m.Graph.Outputs {
		if output == "" || v.Name == output {
			choices = append(choices, v)
		}
	}
	for _, v := range choices {
		if isFloat(v) {
			return f.from(v), nil
		}
	}
	for _, v := range choices {
		if k := f.from(v); k.Closing != nil {
			return k, nil
		}
	}
	var have []string
	for _, v := range m.Graph.Outputs {
		what := v.Type.String()
		if v.Kind != "" && v.Kind != "tensor" {
			what = v.Kind
		}
		have = append(have, fmt.Sprintf("%q (%s)", v.Name, what))
	}
	list := strings.Join(have, ", ")
	if output != "" && len(choices) == 0 {
		return Knowledge{}, &onnx.Error{Err: fmt.Errorf("the model has no output %q; it has %s", output, list)}
	}
	return Knowledge{}, &onnx.Error{Err: fmt.Errorf("no output carries scores to learn from; the model has %s", list)}
}

func isFloat(v *onnx.Value) bool {
	return v.Kind == "" || (v.Kind == "tensor" && (v.Type.IsFloat() || v.Type == onnx.Undefined))
}
