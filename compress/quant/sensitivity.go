// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"context"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// LayerError is what rounding one layer costs.
type LayerError struct {
	Layer
	Error float64
}

// Sensitivity makes a model with a single layer in integers for each layer of the
// plan, has it measured, and returns the layers by their error, worst first. O is
// the plan's observation.
func (p *Plan) Sensitivity(ctx context.Context, o *Observation, opt StaticOptions, measure func(m *onnx.Model) (float64, error)) ([]LayerError, error) {
	var all []LayerError
	for _, l := range p.Layers {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		keep := map[string]bool{}
		for _, other := range p.Layers {
			keep[other.Node] = other.Node != l.Node
		}
		one, err := NewPlan(p.Model, keep)
		if err != nil {
			return nil, err
		}
		s, err := one.Static(o, opt)
		if err != nil {
			return nil, err
		}
		e, err := measure(s.Model)
		if err != nil {
			return nil, err
		}
		all = append(all, LayerError{l, e})
	}
	slices.SortStableFunc(all, func(a, b LayerError) int {
		switch {
		case a.Error > b.Error:
			return -1
		case a.Error < b.Error:
			return 1
		}
		return 0
	})
	return all, nil
}
