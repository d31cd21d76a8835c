// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
)

// ScoresOf tells what an output of a model holds: ClassIDs where its type is
// whole numbers, Probabilities where a Softmax computes it (also one spelled
// Exp, ReduceSum, Div), else Logits. Operators that only move, name or convert
// elements may follow the Softmax. An output of "" is the first. The error says
// that there is no such output, or that it is not a tensor of numbers.
func ScoresOf(m *onnx.Model, output string) (Scores, error) {
	for _, v := range m.Graph.Outputs {
		if output != "" && v.Name != output {
			continue
		}
		switch {
		case v.Kind != "" && v.Kind != "tensor", v.Type == onnx.StringType, v.Type == onnx.Complex64, v.Type == onnx.Complex128:
			return Logits, fmt.Errorf("output %s is not a tensor of numbers", quote(v.Name))
		case v.Type != onnx.Undefined && !v.Type.IsFloat():
			return ClassIDs, nil
		}
		return floatScores(m.Graph.Producers(), v.Name), nil
	}
	if output == "" {
		return Logits, fmt.Errorf("the model has no outputs")
	}
	return Logits, fmt.Errorf("the model has no output %s", quote(output))
}

func floatScores(producers map[string]*onnx.Node, name string) Scores {
	for seen := 0; seen <= len(producers); seen++ {
		n := producers[name]
		if n == nil || len(n.Inputs) == 0 {
			return Logits
		}
		switch n.OpType {
		case "Identity", "Cast", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "DequantizeLinear", "QuantizeLinear":
			name = n.Inputs[0]
		case "Softmax":
			return Probabilities
		case "Div":
			over, under := producers[n.Inputs[0]], producers[n.Inputs[len(n.Inputs)-1]]
			if over != nil && over.OpType == "Exp" && under != nil && under.OpType == "ReduceSum" && under.Inputs[0] == n.Inputs[0] {
				return Probabilities
			}
			return Logits
		default:
			return Logits
		}
	}
	return Logits
}
