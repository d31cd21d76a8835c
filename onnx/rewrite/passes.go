// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
)

// passes are the rewrites of Normalise, in the order they run.
var passes = []struct {
	name   string
	reason string
	run    func(*onnx.Model) error
}{
	{"old-inputs", "files with IR version below 4 list their weights as inputs, which nobody feeds", oldInputs},
	{"constants", "weights may sit in Constant nodes; afterwards all stand in one list", constants},
	{"constant-of-shape", "weights may be written as a shape and one number", constantOfShape},
	{"fold", "sizes are computed around Reshape although they are in the file, or are the batch", fold},
	{"if", "exporters leave branches whose condition never changes", constantIfs},
	{"zero-state", "recurrent layers begin with zeros whose number is computed from the batch", zeroStates},
	{"identity", "exporters alias equal weights through Identity, which would tie them in training", identities},
	{"dead", "what nobody reads costs memory and is counted as parameters", func(m *onnx.Model) error { removeDead(m.Graph); return nil }},
}

// Normalise returns the model in the form that the rest of the program expects:
// weights only in initializers and not among the inputs, arithmetic on sizes
// folded, no If on a constant, no Identity, nothing unused. Inputs to be fed and outputs keep their names, types and order. The
// error names the pass that failed.
func Normalise(m *onnx.Model) (*onnx.Model, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	out := m.Clone()
	for _, p := range passes {
		if err := guarded(p.run, out); err != nil {
			return nil, fmt.Errorf("rewrite %s: %w", p.name, err)
		}
		if err := out.Check(); err != nil {
			return nil, fmt.Errorf("rewrite %s broke the model: %w", p.name, err)
		}
	}
	return out, nil
}

// guarded turns a panic of a pass into an error, so that the pass gets named.
func guarded(run func(*onnx.Model) error, m *onnx.Model) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return run(m)
}
