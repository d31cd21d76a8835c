// SPDX-License-Identifier: Apache-2.0

package distill

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/compress/loss"
	"github.com/kdcompress/kdcompress/compress/target"
	"github.com/kdcompress/kdcompress/onnx"
)

// positions is the input that tells losses on whole batches where a sample stands.
const positions = prefix + "position"

// appendInside adds the terms that compare tensors inside the two models, and an
// input for each of the teacher's. heads are the tensors of the terms before.
func (t *trainer) appendInside(b *onnx.Builder, opset int, heads []string) ([]string, error) {
	if (len(t.Taps) > 0 || t.Augment != nil) && t.Ask == nil {
		return nil, errors.New("augmentation and losses on tensors inside the teacher need the teacher, and it is not there to be asked")
	}
	n := onnx.Symbolic("N")
	taps := map[string]string{}
	for i, tap := range t.Taps {
		dims := []onnx.Dim{n}
		for _, d := range tap.Shape {
			dims = append(dims, onnx.Fixed(int64(d)))
		}
		taps[tap.Tensor] = b.Input(fmt.Sprintf("%stap%d", prefix, i), onnx.Float32, dims...)
		t.source.taps = append(t.source.taps, taps[tap.Tensor])
	}
	position := ""
	target := func(loss.Target) string {
		if position == "" {
			position = b.Input(positions, onnx.Float32, n, onnx.Fixed(int64(t.Batch)))
		}
		return position
	}
	var losses []string
	var balanced balance
	balanced.tensors = [][]string{slices.Clone(heads)}
	for i, term := range t.Inside {
		term.Batch, term.Seed = t.Batch, t.Seed
		term.Pairs = slices.Clone(term.Pairs)
		for k, p := range term.Pairs {
			if taps[p.Teacher] == "" {
				return nil, fmt.Errorf("loss %s compares with %q, which is not among the teacher's taps", term.Loss.Name, p.Teacher)
			}
			term.Pairs[k].Teacher = taps[p.Teacher]
		}
		own := term.Append(b, opset, 0, "", target)
		if term.Balanced {
			name := b.Input(fmt.Sprintf("%sbalance%d", prefix, i), onnx.Float32, n)
			balanced.tensors, balanced.inputs = append(balanced.tensors, slices.Clone(own)), append(balanced.inputs, name)
			for k := range own {
				own[k] = b.Op("Mul", []string{own[k], name})
			}
		}
		losses = append(losses, own...)
	}
	if balanced.inputs != nil {
		t.balance = &balanced
	}
	return losses, nil
}

// source is where the answers to a batch come from.
type source struct {
	taps []string  // the inputs that hold the teacher's tensors
	rows []float32 // the answers and taps of a batch
}

// fillSource gets the answers to the batch that lies in the plan's inputs, and
// passes the taps on.
func (t *trainer) fillSource(ctx context.Context, idx []int) error {
	width := t.Answers.Width()
	row := width
	for _, tap := range t.Taps {
		row += loss.Size(tap.Shape)
	}
	if t.source.rows == nil {
		t.source.rows = make([]float32, t.Batch*row)
	}
	if t.Ask == nil {
		return t.Answers.Batch(t.Set, idx, t.source.rows)
	}
	inputs := make([][]float32, len(t.inputs))
	for i, name := range t.inputs {
		inputs[i] = t.plan.Input(name)
	}
	if err := t.recall(ctx, idx, inputs); err != nil {
		return err
	}
	for i := range idx {
		at := i*row + width
		for k, tap := range t.Taps {
			n := loss.Size(tap.Shape)
			copy(t.plan.Input(t.source.taps[k])[i*n:(i+1)*n], t.source.rows[at:])
			at += n
		}
	}
	return nil
}

// view is the number of the views of this epoch.
func (t *trainer) view() uint64 {
	if t.Views > 0 {
		return uint64(t.epoch % t.Views)
	}
	return uint64(t.epoch)
}

// key is what a sample of this epoch is kept under.
func (t *trainer) key(sample int) target.Key {
	if t.Augment != nil {
		return t.Augment.Key(sample, t.view())
	}
	return t.Set.Key(sample)
}

// recall reads the rows of a batch from the store, or has the teacher answer the
// whole batch where one is missing: what a sample's answer is must not depend on
// which others are known. A stored row is read back, so that a run that stores and
// one that replays see the same numbers.
func (t *trainer) recall(ctx context.Context, idx []int, inputs [][]float32) error {
	rows := t.source.rows
	if t.Store == nil {
		return t.Ask(ctx, inputs, len(idx), rows)
	}
	n := len(rows) / t.Batch
	known := true
	for _, s := range idx {
		known = known && t.Store.Has(t.key(s))
	}
	if !known {
		if err := t.Ask(ctx, inputs, len(idx), rows); err != nil {
			return err
		}
		for i, s := range idx {
			if err := t.Store.Add(t.key(s), rows[i*n:(i+1)*n]); err != nil {
				return err
			}
		}
	}
	for i, s := range idx {
		if _, err := t.Store.Read(t.key(s), rows[i*n:(i+1)*n]); err != nil {
			return err
		}
	}
	return nil
}

// row is the answer to sample j of the batch.
func (t *trainer) row(j int) []float32 {
	n := len(t.source.rows) / t.Batch
	return t.source.rows[j*n : j*n+t.Answers.Width()]
}
