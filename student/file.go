// SPDX-License-Identifier: Apache-2.0

package student

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// FromModel makes a student of a graph of the user's own. Its weights are where
// training starts. Its inputs and outputs must be the teacher's: names, order,
// types and ranks.
func FromModel(sig Signature, m *onnx.Model, path string) (*Student, error) {
	n, err := rewrite.Normalise(m)
	if err != nil {
		return nil, err
	}
	if err := sameValues("input", sig.Teacher.Graph.DataInputs(), n.Graph.DataInputs()); err != nil {
		return nil, &onnx.Error{Path: path, Err: err}
	}
	if err := sameValues("output", sig.Teacher.Graph.Outputs, n.Graph.Outputs); err != nil {
		return nil, &onnx.Error{Path: path, Err: err}
	}
	k, err := rewrite.FindKnowledge(n, sig.Knowledge.Output)
	if err != nil {
		return nil, &onnx.Error{Path: path, Err: err}
	}
	return &Student{Model: n, Logits: k.Logits, Spec: path}, nil
}

func sameValues(what string, want, got []*onnx.Value) error {
	if len(want) != len(got) {
		return fmt.Errorf("the student has %d %ss, the teacher %d", len(got), what, len(want))
	}
	for i, w := range want {
		g := got[i]
		switch {
		case w.Name != g.Name:
			return fmt.Errorf("%s %d is called %q, the teacher's %q", what, i, g.Name, w.Name)
		case w.Type != g.Type:
			return fmt.Errorf("%s %q is %s, the teacher's is %s", what, w.Name, g.Type, w.Type)
		case w.Ranked && g.Ranked && len(w.Dims) != len(g.Dims):
			return fmt.Errorf("%s %q has rank %d, the teacher's has %d", what, w.Name, len(g.Dims), len(w.Dims))
		}
	}
	return nil
}
