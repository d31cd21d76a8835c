// SPDX-License-Identifier: Apache-2.0

package ort

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/kdcompress/kdcompress/onnx"
)

// Optimised returns the graph that ONNX Runtime makes of a model for this
// processor, with the operators it fuses and lays out anew. It holds operators of
// the runtime's own domains and is for looking at, not for running elsewhere.
func Optimised(model []byte) (*onnx.Model, error) {
	if err := ready(); err != nil {
		return nil, err
	}
	sig, err := scan(model)
	if err != nil {
		return nil, fmt.Errorf("optimising a model: %w", err)
	}
	dir, err := os.MkdirTemp("", "kdcompress-*")
	if err != nil {
		return nil, fmt.Errorf("optimising a model: %w", err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "optimised.onnx")
	x := exposed{model: model}
	for _, in := range sig.inputs {
		x.inputs = append(x.inputs, in.Name)
	}
	for _, o := range sig.outputs {
		x.names = append(x.names, o.Name)
	}
	s, err := create(x, Options{Threads: 1, saveTo: path})
	if err != nil {
		return nil, err
	}
	if err := s.Destroy(); err != nil {
		return nil, fmt.Errorf("optimising a model: %w", oneLine(err))
	}
	m, err := onnx.Load(path)
	if err != nil {
		return nil, fmt.Errorf("optimising a model: %w", err)
	}
	return m, nil
}
