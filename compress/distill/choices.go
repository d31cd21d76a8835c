// SPDX-License-Identifier: Apache-2.0

package distill

import (
	"context"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/compress/target"
	"github.com/kdcompress/kdcompress/student"
	"github.com/kdcompress/kdcompress/student/engine"
)

// Choices are the classes a student chooses for samples of a set.
func Choices(ctx context.Context, s *student.Student, set *data.Set, idx []int, shards int) ([]int, error) {
	params, err := engine.NewParams[float32](s.Model.Graph, nil)
	if err != nil {
		return nil, err
	}
	batch := min(evalBatch, len(idx))
	plan, err := engine.Compile(sized(s.Model.Graph, set, len(s.Model.Graph.DataInputs())), params, engine.Options{Batch: batch, Shards: shards,
		Opset: int(s.Model.Opset("")), Outputs: []string{s.Logits}})
	if err != nil {
		return nil, err
	}
	var choices []int
	some := make([]int, batch)
	for lo := 0; lo < len(idx); lo += batch {
		n := copy(some, idx[lo:])
		for i := n; i < batch; i++ {
			some[i] = idx[0] // fills the last batch; not read
		}
		for i, v := range s.Model.Graph.DataInputs() {
			if err := set.Batch(i, some, plan.Input(v.Name)); err != nil {
				return nil, err
			}
		}
		if err := plan.Run(ctx); err != nil {
			return nil, err
		}
		out := plan.Output(s.Logits)
		width := len(out) / batch
		for i := range n {
			choices = append(choices, target.Choice(out[i*width:(i+1)*width]))
		}
	}
	return choices, nil
}
