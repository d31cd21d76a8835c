// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// FindAnswers finds the tensors that a student has to learn so that it has every
// output of the model: one Knowledge for each tensor, that of the output it is read
// from first. The output named comes first, or the one FindKnowledge finds.
// Outputs that follow from a tensor listed already, such as a class beside its
// probabilities, add none; they may tell the task of it. The error names an output
// that carries no scores.
func FindAnswers(m *onnx.Model, output string) ([]Knowledge, error) {
	first, err := FindKnowledge(m, output)
	if err != nil {
		return nil, err
	}
	all := []Knowledge{first}
	for _, v := range m.Graph.Outputs {
		if v.Name == first.Output {
			continue
		}
		k, err := FindKnowledge(m, v.Name)
		if err != nil {
			what := v.Type.String()
			if v.Kind != "" && v.Kind != "tensor" {
				what = v.Kind
			}
			return nil, &onnx.Error{Err: fmt.Errorf("output %q (%s) does not follow from scores that could be learned, so a student would have to leave it out; cut the output off the model, or keep the model", v.Name, what)}
		}
		at := slices.IndexFunc(all, func(a Knowledge) bool { return a.Logits == k.Logits })
		if at < 0 {
			all = append(all, k)
		} else if all[at].Task == "" {
			all[at].Task, all[at].Axis = k.Task, k.Axis
		}
	}
	return all, nil
}
