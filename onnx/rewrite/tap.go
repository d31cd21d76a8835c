// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// Tap returns the model with intermediate tensors as further outputs, after its
// own and in the order given; names that are outputs already are not repeated.
// A tapped tensor has the type the file declares for it, or none, which ONNX
// Runtime then infers; it never has a shape. A name the graph does not define is
// an error.
func Tap(m *onnx.Model, names ...string) (*onnx.Model, error) {
	m = m.Clone()
	g := m.Graph
	have, defined := outputSet(g), g.Defined()
	for _, name := range names {
		if !defined[name] || name == "" {
			return nil, &onnx.Error{Err: fmt.Errorf("no tensor is called %q", name)}
		}
		if have[name] {
			continue
		}
		have[name] = true
		out := &onnx.Value{Name: name}
		for _, v := range slices.Concat(g.ValueInfo, g.Inputs) {
			if v.Name == name && v.Kind == "tensor" {
				out.Kind, out.Type = v.Kind, v.Type
			}
		}
		if t := g.Initializer(name); t != nil {
			out.Kind, out.Type = "tensor", t.Type
		}
		g.Outputs = append(g.Outputs, out)
		dropInfo(g, name)
	}
	return m, nil
}
