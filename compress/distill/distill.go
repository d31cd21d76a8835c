// SPDX-License-Identifier: Apache-2.0

// Package distill trains a student on a teacher's answers. It holds the one
// training loop of the project: student graph and loss terms become an engine
// plan, an optimizer follows its gradients, and the epoch that agrees best with
// the teacher on held-out samples wins. No label takes part in that choice.
package distill

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/compress/loss"
	"github.com/kdcompress/kdcompress/compress/target"
	"github.com/kdcompress/kdcompress/student"
	"github.com/kdcompress/kdcompress/student/engine"
	"github.com/kdcompress/kdcompress/student/optim"
)

// Config is a training to run. Nothing in it has a default here: package
// compress decides.
type Config struct {
	Student *student.Student
	Terms   []loss.Term
	// Heads are the tensors to learn, where they are more or other than the
	// student's logits as scores of classes. Terms is not looked at then.
	Heads []Head
	// Inside are terms of the objective beside the heads': their pairs name tensors
	// of the student's graph and of Taps.
	Inside []loss.Term
	// Taps are the teacher's tensors that Inside compares with. They need Ask.
	Taps    []Tap
	Set     *data.Set
	Answers *target.Answers
	// Ask answers what the student is given, where Answers does not hold it; nil if
	// it holds everything.
	Ask Ask
	// Augment changes the training samples before teacher and student see them; nil
	// does not. It needs Ask. An epoch sees the view of its number, or, where Views
	// is above 0, of its number modulo Views.
	Augment *data.Views
	Views   int
	// Store keeps what Ask answers, by the view of a sample; nil asks every time.
	Store *target.Answers
	// Train and Held are the samples to train on and to choose the epoch by.
	Train, Held []int
	// Classes are the teacher's choices for Train where every class is to be seen
	// equally often; nil shows every sample once an epoch.
	Classes []int
	// KeepLast asks for the student of the last epoch beside the best.
	KeepLast bool
	Epochs   int
	Batch    int
	Rate     float64 // peak learning rate
	Warmup   float64 // share of all steps during which the rate rises
	Clip     float64 // bound of the gradient's norm, 0 for none
	Decay    float64 // weight decay of matrices and filters
	// Momentum above 0 takes SGD with Nesterov's momentum in place of AdamW.
	Momentum float64
	// Average above 0 measures and keeps an exponential moving average of the
	// weights, of which this share stays in every step.
	Average float64
	Seed    uint64
	Shards  int
	BF16    bool // products with weights in bfloat16; see engine.Options
	// Checkpoint is the file that holds the state after every epoch; empty keeps
	// none. Resume goes on from it where it exists.
	Checkpoint string
	Resume     bool
	// Emit is told about the progress; it may be nil.
	Emit func(Event)
}

// Tap is a tensor inside the teacher and the shape of a sample's part of it.
type Tap struct {
	Tensor string
	Shape  []int
}

// Ask runs the teacher on n samples, given as the student gets them: one slice for
// every input. A row of dst receives a sample's answers as Config.Answers keeps
// them, and then its taps, in order.
type Ask func(ctx context.Context, inputs [][]float32, n int, dst []float32) error

// Event is a piece of progress.
type Event struct {
	Epoch, Epochs int // Epoch counts from 1
	Step, Steps   int // within the epoch
	Loss          float64
	Rate          float64
	// SamplesPerSecond of training since the epoch began.
	SamplesPerSecond float64
	// Done holds the epoch's figures when it is over, nil before.
	Done *Epoch
	// Best says that the epoch is the best so far.
	Best bool
	// Resumed says that the run goes on after this epoch of an earlier one.
	Resumed bool
}

// Epoch is a point of the learning curve.
type Epoch struct {
	Epoch int     `json:"epoch"`
	Loss  float64 `json:"loss"`
	// Agreement with the teacher on held-out samples: the share of equal classes or
	// labels, 1 minus the mean squared error in units of the teacher's variance, or
	// the mean cosine; of several heads, their mean.
	Agreement float64 `json:"agreement"`
	// KL is the divergence from the teacher at temperature 1, or the mean squared
	// error of standardised numbers; of several heads, the sum.
	KL      float64 `json:"kl"`
	Rate    float64 `json:"lr"`
	Seconds float64 `json:"seconds"`
}

// Result is what a training came to. The student's graph holds the best weights.
type Result struct {
	Curve []Epoch
	Best  int // the chosen epoch, counted from 1
	// Last is a student with the last epoch's weights, where Config.KeepLast asks
	// for it. Its logits are not rescaled.
	Last *student.Student
	// Weights are the numbers trained.
	Weights int
	// Memory is what the training plan holds, in bytes.
	Memory int64
}

// trainer is a training under way.
type trainer struct {
	Config
	params *engine.Params[float32]
	plan   *engine.Plan[float32]
	eval   *evaluator
	opt    optim.Optimizer
	rates  optim.Cosine
	clip   optim.Clipper
	// average follows the weights, nil where it is not asked for.
	average *optim.Average
	inputs  []string
	heads   []Head
	// targets are the inputs of the training graph that the losses of each head
	// compare with.
	targets []map[loss.Target]string
	source  source
	balance *balance
	config  string // digest of the configuration, where checkpoints are kept
	steps   int    // an epoch
	epoch   int    // done
	curve   []Epoch
	best    int
	bestW   []float32
}

// newTrainer compiles the plans of a training.
func newTrainer(c Config) (*trainer, error) {
	t := &trainer{Config: c, heads: c.heads()}
	if err := fits(t.heads, c.Answers.Width()); err != nil {
		return nil, err
	}
	t.Batch = min(t.Batch, len(t.Train))
	if t.Batch < 1 || len(t.Held) < 1 {
		return nil, fmt.Errorf("%d samples to train on and %d to choose the epoch by: give more", len(t.Train), len(t.Held))
	}
	t.steps = len(t.order(0)) / t.Batch
	if t.steps < 1 {
		return nil, fmt.Errorf("an epoch has %d samples, less than a batch of %d: give a smaller batch", len(t.order(0)), t.Batch)
	}
	var err error
	for _, v := range c.Student.Model.Graph.DataInputs() {
		t.inputs = append(t.inputs, v.Name)
	}
	if err := t.compile(); err != nil {
		return nil, err
	}
	if t.eval, err = newEvaluator(c, t.params); err != nil {
		return nil, err
	}
	var decay []optim.Range
	for _, p := range t.params.List {
		if !p.State && len(p.Shape) > 1 && c.Decay > 0 {
			decay = append(decay, optim.Range{Off: p.Off, Len: p.Len, Rate: c.Decay})
		}
	}
	n := len(t.params.Trainable())
	t.opt = optim.NewAdamW(n, decay)
	if c.Momentum > 0 {
		t.opt = optim.NewSGD(n, c.Momentum, true, decay)
	}
	if c.Average > 0 {
		t.average = optim.NewAverage(n, c.Average)
	}
	total := t.steps * c.Epochs
	t.rates = optim.Cosine{Peak: c.Rate, Warmup: int(math.Ceil(c.Warmup * float64(total))), Total: total}
	t.bestW = slices.Clone(t.params.W)
	if c.Checkpoint != "" {
		if t.config, err = t.digest(); err != nil {
			return nil, err
		}
	}
	return t, nil
}
