// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student"
	"github.com/kdcompress/kdcompress/student/cut"
)

// cutSamples is how many samples a cut is judged and fitted by.
const cutSamples = 256

// cutStudent makes a student of the teacher's own graph.
func cutStudent(ctx context.Context, c *Config, t *Teacher, sig student.Signature, set *data.Set, train []int, emit func(Event)) (*student.Student, error) {
	recipe, err := cut.Parse(c.Student)
	if err != nil {
		return nil, err
	}
	samples, err := calibration(sig, set, train, c.Seed)
	if err != nil {
		return nil, err
	}
	emit(Event{Kind: "stage", Stage: "student", Message: fmt.Sprintf("cutting the teacher: %s", recipe)})
	r, err := cut.Cut(ctx, sig, recipe, samples, c.Seed, c.Shards)
	if err != nil {
		return nil, onnx.InFile(t.Path, err)
	}
	for _, n := range r.Notes {
		emit(Event{Kind: "note", Stage: "student", Message: n})
	}
	return r.Student, nil
}

// calibration draws samples of train.
func calibration(sig student.Signature, set *data.Set, train []int, seed uint64) (*cut.Samples, error) {
	idx := slices.Clone(train)
	data.Shuffle(idx, seed, math.MaxUint64)
	idx = idx[:min(cutSamples, len(idx))]
	s := &cut.Samples{N: len(idx)}
	for i, dims := range sig.Inputs {
		n := len(idx)
		for _, d := range dims {
			n *= d
		}
		x := make([]float32, n)
		if err := set.Batch(i, idx, x); err != nil {
			return nil, err
		}
		s.Inputs = append(s.Inputs, x)
	}
	return s, nil
}
