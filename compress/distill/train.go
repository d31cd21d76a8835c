// SPDX-License-Identifier: Apache-2.0

package distill

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/compress/loss"
	"github.com/kdcompress/kdcompress/compress/target"
	"github.com/kdcompress/kdcompress/student/optim"
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
			if err := t.save(); err != nil {
				return nil, fmt.Errorf("checkpoint: %w", err)
			}
		}
	}
	copy(t.params.W, t.bestW)
	if err := t.params.Store(t.Student.Model.Graph); err != nil {
		return nil, err
	}
	if t.scaleFree() {
		by, err := t.eval.fitScale(ctx)
		if err != nil {
			return nil, err
		}
		if err := t.Student.ScaleLogits(by); err != nil {
			return nil, err
		}
	}
	return &Result{Curve: t.curve, Best: t.best, Weights: len(t.params.Trainable()), Memory: t.plan.Bytes()}, nil
}

// scaleFree says that no term sees the size of the student's logits.
func (t *trainer) scaleFree() bool {
	return !slices.ContainsFunc(t.Terms, func(x loss.Term) bool { return !x.Loss.ScaleFree })
}

// runEpoch walks the training samples once in the epoch's order, then measures
// the student on the held-out ones.
func (t *trainer) runEpoch(ctx context.Context) error {
	began := time.Now()
	order := slices.Clone(t.Config.Train)
	data.Shuffle(order, t.Seed, uint64(t.epoch))
	var sum, rate float64
	for step := range t.steps {
		at := t.epoch*t.steps + step
		if err := t.fill(order[step*t.Batch : (step+1)*t.Batch]); err != nil {
			return err
		}
		t.plan.SetRun(uint64(at))
		if err := t.plan.Run(ctx); err != nil {
			return err
		}
		value := t.plan.Loss()
		norm := optim.ClipNorm(t.params.Grad, t.Clip)
		if !finite(value) || !finite(norm) {
			return fmt.Errorf("training diverged in epoch %d, step %d: the loss is %g and the gradient's norm %g; lower the learning rate (now %g)", t.epoch+1, step+1, value, norm, t.Rate)
		}
		rate = t.rates.At(at)
		t.opt.Step(t.params.Trainable(), t.params.Grad, rate)
		sum += value
		t.emit(Event{Step: step + 1, Loss: sum / float64(step+1), Rate: rate,
			SamplesPerSecond: float64((step+1)*t.Batch) / time.Since(began).Seconds()})
	}
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

// fill puts a batch and its targets into the plan's inputs.
func (t *trainer) fill(idx []int) error {
	for i, name := range t.inputs {
		if err := t.Set.Batch(i, idx, t.plan.Input(name)); err != nil {
			return err
		}
	}
	width := t.Answers.Width()
	if name := t.targets[loss.TeacherLogits]; name != "" {
		if err := t.Answers.Batch(t.Set, idx, t.plan.Input(name)); err != nil {
			return err
		}
	}
	if name := t.targets[loss.TeacherChoice]; name != "" {
		hot := t.plan.Input(name)
		if err := t.Answers.Batch(t.Set, idx, hot); err != nil {
			return err
		}
		for i := range idx {
			row := hot[i*width : (i+1)*width]
			best := target.Choice(row)
			clear(row)
			row[best] = 1
		}
	}
	if name := t.targets[loss.Labels]; name != "" {
		hot := t.plan.Input(name)
		clear(hot)
		for i, s := range idx {
			label, ok := t.Set.Label(s)
			if !ok || label < 0 || label >= width {
				return fmt.Errorf("%s has label %d, the teacher knows %d classes", t.Set.Name(s), label, width)
			}
			hot[i*width+label] = 1
		}
	}
	return nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
