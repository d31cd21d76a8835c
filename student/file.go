// SPDX-License-Identifier: Apache-2.0

package student

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// FromModel makes a student of a graph of the user's own. Its weights are where
// training starts. It must fit where the teacher does: the same inputs and
// outputs by name, order, type and shape, dimensions left open where the teacher
// leaves them open, and no newer operator set or IR version.
func FromModel(sig Signature, m *onnx.Model, path string) (*Student, error) {
	n, err := rewrite.Normalise(m)
	if err != nil {
		return nil, onnx.InFile(path, err)
	}
	if err := sameValues("input", sig.Teacher.Graph.DataInputs(), n.Graph.DataInputs()); err != nil {
		return nil, &onnx.Error{Path: path, Err: err}
	}
	if err := sameValues("output", sig.Teacher.Graph.Outputs, n.Graph.Outputs); err != nil {
		return nil, &onnx.Error{Path: path, Err: err}
	}
	if err := noNewer(sig.Teacher, n); err != nil {
		return nil, &onnx.Error{Path: path, Err: err}
	}
	var tensors []string
	for _, a := range sig.Answers() {
		tensor := a.Knowledge.Output
		if !a.Units || a.Knowledge.Logits != tensor {
			k, err := rewrite.FindKnowledge(n, tensor)
			if err != nil {
				return nil, onnx.InFile(path, err)
			}
			tensor = k.Logits
		}
		tensors = append(tensors, tensor)
	}
	return Of(n, tensors, path), nil
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
		case !g.Ranked:
			continue
		case !w.Ranked:
			return fmt.Errorf("%s %q has rank %d, the teacher's any", what, w.Name, len(g.Dims))
		case len(w.Dims) != len(g.Dims):
			return fmt.Errorf("%s %q has rank %d, the teacher's has %d", what, w.Name, len(g.Dims), len(w.Dims))
		}
		for d, size := range w.Dims {
			switch {
			case g.Dims[d].Size < 0 || g.Dims[d].Size == size.Size:
			case size.Size < 0:
				return fmt.Errorf("%s %q: dimension %d is %d, the teacher leaves it open; export the student so that it does too", what, w.Name, d, g.Dims[d].Size)
			default:
				return fmt.Errorf("%s %q: dimension %d is %d, the teacher's is %d", what, w.Name, d, g.Dims[d].Size, size.Size)
			}
		}
	}
	return nil
}

// noNewer refuses what a runtime that is old enough for the teacher cannot load.
func noNewer(teacher, m *onnx.Model) error {
	for _, o := range m.Opsets {
		if t := teacher.Opset(o.Domain); o.Version > t {
			return fmt.Errorf("the student imports opset %d of domain %q, the teacher %d", o.Version, o.Domain, t)
		}
	}
	if m.IRVersion > teacher.IRVersion {
		return fmt.Errorf("the student has IR version %d, the teacher %d", m.IRVersion, teacher.IRVersion)
	}
	return nil
}
