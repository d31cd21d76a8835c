// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"fmt"

	"github.com/kdcompress/kdcompress/onnx/ort"
)

// RunCheck is one trial run of a model: with ONNX Runtime's optimisations on or
// off, at one batch size. Sizes are those of a sample of every input where they are
// not those of the data. Error is empty if it went through.
type RunCheck struct {
	Batch     int     `json:"batch"`
	Optimised bool    `json:"optimised"`
	Sizes     [][]int `json:"sizes,omitempty"`
	Error     string  `json:"error,omitempty"`
}

// OK says whether the run went through.
func (c RunCheck) OK() bool { return c.Error == "" }

// trialBatches are tried where a model leaves its batch open.
var trialBatches = []int{1, 2, 5}

// Runs opens a model with and without optimisation and runs it on made-up inputs
// at batches 1, 2 and 5, or at its own batch where that is fixed. A run fails if
// ONNX Runtime refuses it, or if an output that declares an open first axis does
// not grow with the batch. dims is as in LatencyOptions. The error is ctx's;
// failures of the model are in the checks.
func Runs(ctx context.Context, model []byte, dims [][]int, seed uint64) ([]RunCheck, error) {
	var checks []RunCheck
	for _, optimised := range []bool{false, true} {
		s, err := ort.Open(model, ort.Options{NoOptimise: !optimised, NumbersOnly: true})
		if err != nil {
			checks = append(checks, RunCheck{Optimised: optimised, Error: err.Error()})
			continue
		}
		batches := trialBatches
		if fixed := fixedBatch(s.Inputs()); fixed > 0 {
			batches = []int{fixed}
		}
		single := make([]int, len(s.Outputs()))
		for _, batch := range batches {
			c := RunCheck{Batch: batch, Optimised: optimised}
			if err := trial(ctx, s, batch, dims, seed, single); err != nil {
				c.Error = err.Error()
			}
			checks = append(checks, c)
		}
		if err := s.Close(); err != nil {
			return checks, fmt.Errorf("trial run: %w", err)
		}
		if err := ctx.Err(); err != nil {
			return checks, fmt.Errorf("trial run: %w", err)
		}
	}
	return checks, nil
}

// trial runs one batch. single holds the outputs' lengths at batch 1 once known.
func trial(ctx context.Context, s *ort.Session, batch int, dims [][]int, seed uint64, single []int) error {
	in, err := invent(s.Inputs(), batch, dims, seed)
	if err != nil {
		return err
	}
	out, err := s.Run(ctx, in)
	if err != nil {
		return err
	}
	for i, v := range out {
		if batch == 1 {
			single[i] = v.Len()
		}
		info := s.Outputs()[i]
		open := info.Ranked && len(info.Dims) > 0 && info.Dims[0] < 0
		if open && single[i] > 0 && v.Len() != batch*single[i] {
			return fmt.Errorf("output %s has %d elements for a batch of %d and %d for one sample", quote(info.Name), v.Len(), batch, single[i])
		}
	}
	return nil
}
