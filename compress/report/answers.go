// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/onnx/ort"
)

// Side is one of the two models of a comparison and the output that is compared.
type Side struct {
	Path   string // for messages
	Model  []byte // the file's content
	Output string // "" is the first output
	Scores Scores // what the output holds; ScoresOf tells
	Axis   int    // axis of the classes in the output, batch axis included; 0 is the last
}

// answers are the outputs of a model for a run of samples.
type answers struct {
	dims []int64   // of one sample
	flat []float32 // the samples one after another
}

// asker runs one side over samples.
type asker struct {
	side    Side
	inputs  []ort.Info
	output  string
	fields  []int // field of the samples for each input
	batch   int
	padded  bool // a batch that is not full is filled up with its last sample
	workers int
	threads int
}

func newAsker(side Side, c CompareConfig, first []ort.Info) (*asker, error) {
	s, err := ort.Open(side.Model, ort.Options{NumbersOnly: true})
	if err != nil {
		return nil, err
	}
	a := &asker{side: side, inputs: s.Inputs(), batch: c.Batch, workers: c.Workers, threads: c.Threads}
	outputs := s.Outputs()
	if err := s.Close(); err != nil {
		return nil, err
	}
	for _, o := range outputs {
		if side.Output == "" || o.Name == side.Output {
			a.output = o.Name
			break
		}
	}
	if a.output == "" {
		return nil, fmt.Errorf("the model has no output %s", quote(side.Output))
	}
	if first == nil {
		first = a.inputs
	}
	if a.fields, err = fieldsFor(a.inputs, first); err != nil {
		return nil, err
	}
	if fixed := fixedBatch(a.inputs); fixed > 0 {
		a.batch, a.padded = fixed, true
	}
	return a, nil
}

// ask runs the model over the samples idx of the set.
func (a *asker) ask(ctx context.Context, set *data.Set, idx []int) (answers, error) {
	var got answers
	n := (len(idx) + a.batch - 1) / a.batch
	rows := func(batch int) []int {
		r := idx[batch*a.batch : min((batch+1)*a.batch, len(idx))]
		if short := a.batch - len(r); a.padded && short > 0 {
			r = append(slices.Clone(r), slices.Repeat(r[len(r)-1:], short)...)
		}
		return r
	}
	fill := func(batch int) ([]ort.Value, error) { return a.feed(set, rows(batch)) }
	take := func(batch int, out []ort.Value) error {
		run := len(rows(batch))
		v, err := out[0].Float32s()
		if err != nil {
			return err
		}
		dims, err := sampleDims(out[0].Dims, run)
		if err != nil {
			return fmt.Errorf("output %s: %w", quote(a.output), err)
		}
		if batch > 0 && !slices.Equal(dims, got.dims) {
			return fmt.Errorf("output %s has shape %v a sample here and %v before", quote(a.output), dims, got.dims)
		}
		got.dims = dims
		real := min(run, len(idx)-batch*a.batch)
		got.flat = append(got.flat, v[:len(v)/run*real]...)
		return nil
	}
	err := ort.Map(ctx, a.side.Model, a.workers, a.threads, []string{a.output}, n, fill, take)
	return got, err
}

func (a *asker) feed(set *data.Set, rows []int) ([]ort.Value, error) {
	in := make([]ort.Value, len(a.inputs))
	for i, info := range a.inputs {
		shape := []int64{int64(len(rows))}
		for _, d := range set.Dims(a.fields[i]) {
			shape = append(shape, int64(d))
		}
		v := make([]float32, product(shape))
		if err := set.Batch(a.fields[i], rows, v); err != nil {
			return nil, err
		}
		var err error
		if in[i], err = ort.FromFloat32(info.Type, shape, v); err != nil {
			return nil, fmt.Errorf("input %s: %w", quote(info.Name), err)
		}
	}
	return in, nil
}

// sampleDims takes the batch axis off an output's shape. A model that takes one
// sample at a time may have none.
func sampleDims(dims []int64, batch int) ([]int64, error) {
	switch {
	case len(dims) > 0 && dims[0] == int64(batch):
		return dims[1:], nil
	case batch == 1:
		return dims, nil
	}
	return nil, fmt.Errorf("shape %v has no axis of the batch's %d samples", dims, batch)
}

// layout is how the answers of one sample lie in memory.
type layout struct{ outer, classes, inner int }

// layoutOf splits a sample's dimensions at the class axis, which counts the
// batch axis; 0 is the last. Class ids have no class axis: every element is an
// answer.
func (s Side) layoutOf(dims []int64) (layout, error) {
	if s.Scores == ClassIDs {
		return layout{outer: int(product(dims)), classes: 1, inner: 1}, nil
	}
	axis := s.Axis - 1
	if s.Axis <= 0 {
		axis = len(dims) - 1 + min(0, s.Axis+1)
	}
	if axis < 0 || axis >= len(dims) || dims[axis] < 2 {
		return layout{}, fmt.Errorf("an answer of shape %v has no axis of two or more classes", dims)
	}
	return layout{int(product(dims[:axis])), int(dims[axis]), int(product(dims[axis+1:]))}, nil
}

// answer copies answer i of a sample to dst, which holds a number a class.
func (l layout) answer(dst, sample []float32, i int) {
	at := i/l.inner*l.classes*l.inner + i%l.inner
	for c := range dst {
		dst[c] = sample[at+c*l.inner]
	}
}
