// SPDX-License-Identifier: Apache-2.0

package distill

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/kdcompress/kdcompress/compress/loss"
	"github.com/kdcompress/kdcompress/compress/target"
	"github.com/kdcompress/kdcompress/student"
)

// Train runs the training and leaves the best epoch's weights in the student's
// graph. A cancelled context ends it with the context's error; the checkpoint of
// the last whole epoch stays, and a resumed run gives the same bytes as one that
// was never cut short.
func Train(ctx context.Context, c Config) (*Result, error) {
	t, err := newTrainer(c)
	if err != nil {
		return nil, err
	}
	if c.Resume && c.Checkpoint != "" {
		if err := t.load(); err != nil {
			return nil, err
		}
	}
	for t.epoch < t.Epochs {
		if err := t.runEpoch(ctx); err != nil {
			return nil, err
		}
		if c.Checkpoint != "" {
			if t.Store != nil {
				// A resumed run must find what this one was answered.
				if err := t.Store.Flush(); err != nil {
					return nil, err
				}
			}
			if err := t.save(); err != nil {
				return nil, fmt.Errorf("checkpoint: %w", err)
			}
		}
	}
	var last *student.Student
	if c.KeepLast {
		t.averaged()
		kept := *c.Student
		kept.Model = c.Student.Model.Clone()
		t.store(kept.Model.Graph)
		last = &kept
	}
	copy(t.params.W, t.bestW)
	t.store(t.Student.Model.Graph)
	for i, h := range t.heads {
		if !scaleFree(h.Terms) || len(h.Terms) == 0 || t.takesHead() {
			continue
		}
		by, err := t.eval.fitScale(ctx, i)
		if err != nil {
			return nil, err
		}
		if err := t.Student.Scale(h.Tensor, by); err != nil {
			return nil, err
		}
	}
	return &Result{Curve: t.curve, Best: t.best, Last: last, Weights: len(t.params.Trainable()), Memory: t.plan.Bytes()}, nil
}

// takesHead says that the student's logits come from the teacher's own classifier.
func (t *trainer) takesHead() bool {
	return slices.ContainsFunc(t.Inside, func(x loss.Term) bool { return x.Loss.TakesHead })
}

// scaleFree says that no term sees the size of the student's logits.
func scaleFree(terms []loss.Term) bool {
	return !slices.ContainsFunc(terms, func(x loss.Term) bool { return !x.Loss.ScaleFree })
}

// runEpoch walks the training samples once in the epoch's order, then measures
// the student on the held-out ones.
func (t *trainer) runEpoch(ctx context.Context) error {
	began := time.Now()
	order := t.order(t.epoch)
	var sum, rate float64
	for step := range t.steps {
		at := t.epoch*t.steps + step
		if err := t.fill(ctx, order[step*t.Batch:(step+1)*t.Batch]); err != nil {
			return err
		}
		if err := t.gradients(ctx, uint64(at)); err != nil {
			return err
		}
		value := t.plan.Loss()
		norm := t.clip.Norm(t.params.Grad, t.Clip)
		if !finite(value) || !finite(norm) {
			return fmt.Errorf("training diverged in epoch %d, step %d: the loss is %g and the gradient's norm %g; lower the learning rate (now %g)", t.epoch+1, step+1, value, norm, t.Rate)
		}
		rate = t.rates.At(at)
		t.opt.Step(t.params.Trainable(), t.params.Grad, rate)
		if t.average != nil {
			t.average.Update(t.params.Trainable())
		}
		sum += value
		t.emit(Event{Step: step + 1, Loss: sum / float64(step+1), Rate: rate,
			SamplesPerSecond: float64((step+1)*t.Batch) / time.Since(began).Seconds()})
	}
	back := t.averaged()
	defer back()
	agreement, kl, err := t.eval.measure(ctx)
	if err != nil {
		return err
	}
	if !finite(kl) {
		return fmt.Errorf("training diverged in epoch %d: the student's answers to held-out samples are not numbers; lower the learning rate (now %g)", t.epoch+1, t.Rate)
	}
	done := Epoch{Epoch: t.epoch + 1, Loss: sum / float64(t.steps), Agreement: agreement, KL: kl, Rate: rate, Seconds: time.Since(began).Seconds()}
	better := t.best == 0 || done.better(t.curve[t.best-1])
	t.curve = append(t.curve, done)
	if better {
		t.best = done.Epoch
		copy(t.bestW, t.params.W)
	}
	t.emit(Event{Step: t.steps, Loss: done.Loss, Rate: rate, Done: &done, Best: better})
	t.epoch++
	return nil
}

// averaged puts the average of the weights in their place, where one is kept, and
// returns what puts them back.
func (t *trainer) averaged() (back func()) {
	if t.average == nil {
		return func() {}
	}
	w := slices.Clone(t.params.Trainable())
	copy(t.params.Trainable(), t.average.W)
	return func() { copy(t.params.Trainable(), w) }
}

// better says whether e is to be preferred to the best so far: by agreement,
// then by divergence.
func (e Epoch) better(best Epoch) bool {
	if e.Agreement != best.Agreement {
		return e.Agreement > best.Agreement
	}
	return e.KL < best.KL
}

func (t *trainer) emit(e Event) {
	if t.Emit != nil {
		e.Epoch, e.Epochs, e.Steps = t.epoch+1, t.Epochs, t.steps
		t.Emit(e)
	}
}

// gradients runs the plan on the batch that lies in its inputs.
func (t *trainer) gradients(ctx context.Context, at uint64) error {
	if t.balance != nil {
		t.balance.set(t.plan)
	}
	t.plan.SetRun(at)
	if err := t.plan.Run(ctx); err != nil || t.balance == nil || t.balance.note(t.plan) {
		return err
	}
	// The first step of all has no sizes to go by: it is run once more with those it
	// has shown.
	t.balance.set(t.plan)
	t.plan.SetRun(at)
	return t.plan.Run(ctx)
}

// fill puts a batch and its targets into the plan's inputs.
func (t *trainer) fill(ctx context.Context, idx []int) error {
	if err := t.fillInputs(idx); err != nil {
		return err
	}
	if err := t.fillSource(ctx, idx); err != nil {
		return err
	}
	for i := range t.heads {
		if err := t.fillHead(i, idx); err != nil {
			return err
		}
	}
	return nil
}

// fillInputs puts a batch, as this epoch sees it, into the plan's inputs.
func (t *trainer) fillInputs(idx []int) error {
	if t.Augment != nil {
		var dst [][]float32
		for _, name := range t.inputs {
			dst = append(dst, t.plan.Input(name))
		}
		return t.Augment.Batch(idx, t.view(), dst)
	}
	for i, name := range t.inputs {
		if err := t.Set.Batch(i, idx, t.plan.Input(name)); err != nil {
			return err
		}
	}
	return nil
}

// fillHead puts what the losses of one head compare with into the plan's inputs.
func (t *trainer) fillHead(i int, idx []int) error {
	h, inputs := &t.heads[i], t.targets[i]
	width, classes := h.Layout.Len(), h.Layout.Classes
	for _, k := range []loss.Target{loss.TeacherLogits, loss.TeacherChoice} {
		if inputs[k] == "" {
			continue
		}
		in := t.plan.Input(inputs[k])
		for j := range idx {
			dst := in[j*width : (j+1)*width]
			copy(dst, part(t.heads, i, t.row(j)))
			if k == loss.TeacherLogits {
				h.standardise(dst)
				continue
			}
			for lo := 0; lo < width; lo += classes {
				one := dst[lo : lo+classes]
				best := target.Choice(one)
				clear(one)
				one[best] = 1
			}
		}
	}
	if name := inputs[loss.Labels]; name != "" {
		hot := t.plan.Input(name)
		clear(hot)
		for j, s := range idx {
			label, ok := t.Set.Label(s)
			if !ok || label < 0 || label >= width {
				return fmt.Errorf("%s has label %d, the teacher knows %d classes", t.Set.Name(s), label, width)
			}
			hot[j*width+label] = 1
		}
	}
	return nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
