// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx/ort"
)

// OtherSizes runs both models, two samples at once, on inputs of another size
// than dims wherever the teacher leaves a dimension open beside the batch, and
// compares the shapes of what comes out. There is no check where no dimension is
// open or the teacher itself takes no other size; it fails where the student does
// not run, or answers in another shape. dims is as in LatencyOptions. The error is
// ctx's or the runtime's.
func OtherSizes(ctx context.Context, teacher, student []byte, dims [][]int, seed uint64) ([]RunCheck, error) {
	t, err := ort.Open(teacher, ort.Options{NumbersOnly: true})
	if err != nil {
		return nil, err
	}
	defer t.Close()
	other := stretched(t.Inputs(), dims)
	if other == nil {
		return nil, nil
	}
	const batch = 2
	in, err := invent(t.Inputs(), batch, other, seed)
	if err != nil {
		return nil, nil
	}
	want, err := t.Run(ctx, in)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, nil
	}
	check := RunCheck{Batch: batch, Optimised: true, Sizes: other}
	if err := sameShapes(ctx, student, in, t.Outputs(), want); err != nil {
		check.Error = err.Error()
	}
	return []RunCheck{check}, ctx.Err()
}

// sameShapes runs a model and compares the shapes of its outputs.
func sameShapes(ctx context.Context, student []byte, in []ort.Value, outputs []ort.Info, want []ort.Value) error {
	s, err := ort.Open(student, ort.Options{NumbersOnly: true})
	if err != nil {
		return err
	}
	defer s.Close()
	got, err := s.Run(ctx, in)
	if err != nil {
		return err
	}
	for i, v := range want {
		if i >= len(got) || !slices.Equal(got[i].Dims, v.Dims) {
			return fmt.Errorf("output %s has another shape than the teacher's %v", quote(outputs[i].Name), v.Dims)
		}
	}
	return nil
}

// stretched doubles the sizes that inputs leave open beside the batch, nil where
// there are none or dims does not tell them.
func stretched(inputs []ort.Info, dims [][]int) [][]int {
	if len(dims) != len(inputs) {
		return nil
	}
	open := false
	var other [][]int
	for i, in := range inputs {
		d := slices.Clone(dims[i])
		for k := range d {
			if in.Ranked && k+1 < len(in.Dims) && in.Dims[k+1] < 0 {
				d[k], open = 2*d[k], true
			}
		}
		other = append(other, d)
	}
	if !open {
		return nil
	}
	return other
}
