// SPDX-License-Identifier: Apache-2.0

package distill

import (
	"context"
	"math"
	"slices"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student"
	"github.com/kdcompress/kdcompress/student/engine"
)

// evaluator measures a student, as it would be deployed, on the held-out samples.
type evaluator struct {
	Config
	plan   *engine.Plan[float32]
	inputs []string
	heads  []Head
}

// evalBatch is how many samples are measured at once.
const evalBatch = 256

func newEvaluator(c Config, params *engine.Params[float32]) (*evaluator, error) {
	e := &evaluator{Config: c, heads: c.heads()}
	var tensors []string
	for _, h := range e.heads {
		tensors = append(tensors, h.Tensor)
	}
	g := c.Student.Model.Graph
	for _, v := range g.DataInputs() {
		e.inputs = append(e.inputs, v.Name)
	}
	batch := min(evalBatch, len(c.Held))
	plan, err := engine.Compile(sized(g, c.Set, len(e.inputs)), params, engine.Options{Batch: batch, Shards: c.Shards, Opset: int(c.Student.Model.Opset("")),
		Outputs: tensors})
	if err != nil {
		return nil, err
	}
	e.plan = plan
	return e, nil
}

// sized is a graph whose first n inputs have the shapes of a set's samples.
func sized(g *onnx.Graph, set *data.Set, n int) *onnx.Graph {
	shapes := make([][]int, n)
	for i := range shapes {
		shapes[i] = set.Dims(i)
	}
	return student.Sized(g, shapes)
}

// measure returns how far the student agrees with the teacher on the held-out
// samples and how far it diverges, as Epoch says.
func (e *evaluator) measure(ctx context.Context) (agreement, kl float64, err error) {
	tallies := make([]tally, len(e.heads))
	err = e.each(ctx, func(i int, student, teacher []float32) {
		tallies[i].add(e.heads[i].Kind, student, teacher)
	})
	for _, t := range tallies {
		agreement += t.score / t.answers / float64(len(tallies))
		kl += t.away / t.answers
	}
	return agreement, kl, err
}

// each visits both models' answers of every head for every held-out sample, in
// the units of the training. The slices are valid during the visit.
func (e *evaluator) each(ctx context.Context, visit func(head int, student, teacher []float32)) error {
	batch := e.plan.Batch()
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
		if err := e.plan.Run(ctx); err != nil {
			return err
		}
		for j := range n {
			row, err := e.Answers.Of(e.Set, idx[j])
			if err != nil {
				return err
			}
			for i := range e.heads {
				e.heads[i].visit(e.plan.Output(e.heads[i].Tensor), j, part(e.heads, i, row), func(s, t []float32) { visit(i, s, t) })
			}
		}
	}
	return nil
}

// visit walks the answers of sample j.
func (h *Head) visit(out []float32, j int, row []float32, visit func(student, teacher []float32)) {
	n, classes := h.Layout.Len(), h.Layout.Classes
	buf := make([]float32, 2*n)
	s, t := buf[:n], buf[n:]
	h.Layout.Rows(s, out[j*n:(j+1)*n])
	copy(t, row)
	h.standardise(t)
	if h.Raw {
		h.standardise(s)
	}
	for lo := 0; lo < n; lo += classes {
		visit(s[lo:lo+classes], t[lo:lo+classes])
	}
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
