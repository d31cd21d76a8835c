// SPDX-License-Identifier: Apache-2.0

package distill

import (
	"context"
	"math"
	"slices"

	"github.com/kdcompress/kdcompress/compress/target"
	"github.com/kdcompress/kdcompress/student/engine"
)

// evaluator measures a student, as it would be deployed, on the held-out samples.
type evaluator struct {
	Config
	plan   *engine.Plan[float32]
	inputs []string
	answer []float32
}

// evalBatch is how many samples are measured at once.
const evalBatch = 256

func newEvaluator(c Config, params *engine.Params[float32]) (*evaluator, error) {
	e := &evaluator{Config: c}
	g := c.Student.Model.Graph
	for _, v := range g.DataInputs() {
		e.inputs = append(e.inputs, v.Name)
	}
	batch := min(evalBatch, len(c.Held))
	plan, err := engine.Compile(g, params, engine.Options{Batch: batch, Shards: c.Shards, Opset: int(c.Student.Model.Opset("")),
		Outputs: []string{c.Student.Logits}})
	if err != nil {
		return nil, err
	}
	e.plan, e.answer = plan, make([]float32, batch*c.Answers.Width())
	return e, nil
}

// measure returns the share of held-out samples on which teacher and student
// choose the same class, and the mean divergence KL(teacher || student) at
// temperature 1 in nats.
func (e *evaluator) measure(ctx context.Context) (agreement, kl float64, err error) {
	same := 0
	err = e.each(ctx, func(student, teacher []float32) {
		if target.Choice(student) == target.Choice(teacher) {
			same++
		}
		kl += divergence(teacher, student)
	})
	n := float64(len(e.Held))
	return float64(same) / n, kl / n, err
}

// each visits the logits of both models for every held-out sample. The slices
// are valid during the visit.
func (e *evaluator) each(ctx context.Context, visit func(student, teacher []float32)) error {
	width, batch := e.Answers.Width(), e.plan.Batch()
	idx := make([]int, batch)
	for lo := 0; lo < len(e.Held); lo += batch {
		n := copy(idx, e.Held[lo:])
		for i := n; i < batch; i++ {
			idx[i] = e.Held[0] // fills the last batch; not visited
		}
		for i, name := range e.inputs {
			if err := e.Set.Batch(i, idx, e.plan.Input(name)); err != nil {
				return err
			}
		}
		if err := e.Answers.Batch(e.Set, idx, e.answer); err != nil {
			return err
		}
		if err := e.plan.Run(ctx); err != nil {
			return err
		}
		out := e.plan.Output(e.Student.Logits)
		for i := range n {
			visit(out[i*width:(i+1)*width], e.answer[i*width:(i+1)*width])
		}
	}
	return nil
}

// divergence is KL(softmax(t) || softmax(s)).
func divergence(t, s []float32) float64 {
	lt, ls := logSum(t), logSum(s)
	var kl float64
	for i := range t {
		p := float64(t[i]) - lt
		kl += math.Exp(p) * (p - (float64(s[i]) - ls))
	}
	return max(kl, 0)
}

func logSum(x []float32) float64 {
	top := float64(slices.Max(x))
	var sum float64
	for _, v := range x {
		sum += math.Exp(float64(v) - top)
	}
	return top + math.Log(sum)
}
