// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"fmt"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// CompareConfig says what is compared on what.
type CompareConfig struct {
	Teacher, Student Side
	Task             rewrite.Task // of the output; "" guesses it from the answers' shape
	Set              *data.Set    // one field for each of the teacher's inputs, in order
	Name             string       // of the set, for the report
	Index            []int        // the samples used; nil for all
	ChoseEpoch       bool         // the best epoch was chosen on these samples
	Batch            int          // where a model leaves it open; 64 if zero
	Workers          int          // batches under way at a time; 1 if zero
	Threads          int          // threads of a session; 1 if zero
	Progress         func(done, total int)
}

const (
	defaultBatch = 64
	// portion is how many samples' answers are held at a time.
	portion = 8192
)

// Compare runs both models over the samples and compares their answers. The
// second result is nil where the samples have no labels, or where a sample has
// more than one answer. Inputs of the student are matched to the teacher's by
// name, else by place. A model with a fixed batch runs with that, the last batch
// filled up.
func Compare(ctx context.Context, c CompareConfig) (Fidelity, *Accuracy, error) {
	if c.Batch == 0 {
		c.Batch = defaultBatch
	}
	c.Workers, c.Threads = max(c.Workers, 1), max(c.Threads, 1)
	if c.Index == nil {
		c.Index = make([]int, c.Set.Len())
		for i := range c.Index {
			c.Index[i] = i
		}
	}
	if len(c.Index) == 0 {
		return Fidelity{}, nil, fmt.Errorf("compare on %s: there are no samples", plain(c.Name))
	}
	fail := func(side Side, err error) (Fidelity, *Accuracy, error) {
		return Fidelity{}, nil, fmt.Errorf("compare: %s: %w", side.Path, err)
	}
	teacher, err := newAsker(c.Teacher, c, nil)
	if err != nil {
		return fail(c.Teacher, err)
	}
	student, err := newAsker(c.Student, c, teacher.inputs)
	if err != nil {
		return fail(c.Student, err)
	}
	var t gauge
	for at := 0; at < len(c.Index); at += portion {
		idx := c.Index[at:min(at+portion, len(c.Index))]
		ta, err := teacher.ask(ctx, c.Set, idx)
		if err != nil {
			return fail(c.Teacher, err)
		}
		sa, err := student.ask(ctx, c.Set, idx)
		if err != nil {
			return fail(c.Student, err)
		}
		if t == nil {
			if t, err = newGauge(c, ta.dims, sa.dims); err != nil {
				return Fidelity{}, nil, fmt.Errorf("compare: %w", err)
			}
		}
		for j, i := range idx {
			t.add(i, ta.sample(j, len(idx)), sa.sample(j, len(idx)))
		}
		if c.Progress != nil {
			c.Progress(at+len(idx), len(c.Index))
		}
	}
	return t.fidelity(), t.accuracy(), nil
}

// sample is the answers of sample j of n.
func (a answers) sample(j, n int) []float32 {
	width := len(a.flat) / n
	return a.flat[j*width : (j+1)*width]
}
