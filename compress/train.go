// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"fmt"
	"time"

	"github.com/kdcompress/kdcompress/compress/distill"
	"github.com/kdcompress/kdcompress/compress/target"
)

// momentum is that of SGD.
const momentum = 0.9

// bf16 is the TrainPrecision with products in bfloat16.
const bf16 = "bf16"

// trainStudent runs a training of the job: c says which student, losses and
// checkpoint, everything else is the job's. teacher may be nil.
func (j *job) trainStudent(ctx context.Context, c distill.Config, teacher *live) (*distill.Result, error) {
	c.Set, c.Answers, c.Train, c.Held = j.set, j.answers, j.train, j.held
	c.Epochs, c.Batch, c.Rate, c.Warmup, c.Clip, c.Decay = j.Epochs, j.Batch, j.Rate, j.Warmup, j.Clip, j.Decay
	c.Seed, c.Shards, c.Average, c.BF16 = j.Seed, j.Shards, j.Average, j.TrainPrecision == bf16
	if j.Optimizer == "sgd" {
		c.Momentum = momentum
	}
	if teacher != nil {
		c.Ask = teacher.ask
		if err := j.views(&c); err != nil {
			return nil, err
		}
		if c.Store != nil {
			defer c.Store.Close()
		}
	}
	if j.Balance {
		for _, i := range j.train {
			c.Classes = append(c.Classes, target.Choice(j.answers.Row(j.set.Key(i))))
		}
	}
	began, first := time.Now(), 0
	c.Emit = func(e distill.Event) {
		switch {
		case e.Resumed:
			first = e.Epoch * e.Steps
			j.emit(Event{Kind: "note", Stage: "train", Message: fmt.Sprintf("going on after epoch %d of %d", e.Epoch, e.Epochs)})
		case e.Done != nil:
			j.emit(Event{Kind: "epoch", Stage: "train", Done: e.Epoch, Total: e.Epochs, Epoch: e.Done, Best: e.Best})
		default:
			done, total := (e.Epoch-1)*e.Steps+e.Step, e.Epochs*e.Steps
			p := progress("step", done-first, total-first, began)
			p.Stage, p.Done, p.Total, p.Rate, p.Loss = "train", done*j.Batch, total*j.Batch, e.SamplesPerSecond, e.Loss
			j.emit(p)
		}
	}
	return distill.Train(ctx, c)
}
