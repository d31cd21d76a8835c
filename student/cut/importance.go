// SPDX-License-Identifier: Apache-2.0

package cut

import (
	"context"
	"math"
	"math/rand/v2"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student"
	"github.com/kdcompress/kdcompress/student/engine"
)

// taylorRuns and taylorBatch bound the samples that decide the importance: each
// run gives one draw, and it is the draws that average out.
const (
	taylorRuns  = 96
	taylorBatch = 4
)

// taylor scores every class by how much the logits would change, to first order,
// without it: E (sum a dz/da v)^2 over samples and random directions v is the mean
// square of that change. What a class gives to the logits passes through the
// products that sum over it, where a dz/da is w dz/dw summed over its weights; no
// activation has to be kept. Of what no weight sums over, such as the inside of a
// head's queries and keys, the weights that produce it tell the same. The teacher's own answers are the reference, no label
// takes part. (First-order importance of Molchanov et al. 2019, arXiv:1906.10771,
// with the change of all logits in place of the change of a loss, whose gradient is
// zero at the teacher itself.)
func (w *work) taylor(ctx context.Context, c *classes) (map[int]float64, error) {
	g := w.model.Graph.Clone()
	b := onnx.NewBuilder(g, "cut.")
	var directions []direction
	var losses []string
	for _, a := range w.sig.Answers() {
		d, loss := along(b, a, c.opset)
		directions, losses = append(directions, d), append(losses, loss)
	}
	if len(directions) > 1 {
		if err := w.standardise(ctx, directions); err != nil {
			return nil, err
		}
	}
	m := *w.model
	m.Graph = g
	params, err := engine.NewParams[float32](g, nil)
	if err != nil {
		return nil, err
	}
	batch := min(taylorBatch, w.samples.N)
	plan, err := w.compileWith(&m, params, batch, engine.Options{Losses: losses})
	if err != nil {
		return nil, err
	}
	r := rand.New(rand.NewPCG(w.seed, 0x7461796c6f72))
	scores := map[int]float64{}
	axes := c.scored()
	for run := range taylorRuns {
		for i, v := range w.sig.Teacher.Graph.DataInputs() {
			in := w.samples.Inputs[i]
			per := len(in) / w.samples.N
			x := plan.Input(v.Name)
			for k := range batch {
				s := (run*batch + k) % w.samples.N
				copy(x[k*per:(k+1)*per], in[s*per:])
			}
		}
		for _, d := range directions {
			draw(r, plan.Input(d.input), d.width, d.scale)
		}
		if err := plan.Run(ctx); err != nil {
			return nil, err
		}
		change := map[int]float64{}
		for _, a := range axes {
			c.inner(a.axis, params, func(root int, v float64) {
				if a.classes[root] {
					change[root] += v
				}
			})
		}
		for root, v := range change {
			scores[root] += v * v / taylorRuns
		}
	}
	return scores, nil
}

// scoredAxis is an axis of a weight and the classes that it tells about.
type scoredAxis struct {
	axis
	classes map[int]bool
}

// scored lists, for every class, the axes that sum over it, or else all that have it.
func (c *classes) scored() []scoredAxis {
	list := func(a axis, wanted func(root int) bool) scoredAxis {
		s := scoredAxis{a, map[int]bool{}}
		for _, i := range c.lists[a] {
			if r := c.root(i); !c.frozen[r] && wanted(r) {
				s.classes[r] = true
			}
		}
		return s
	}
	var all []scoredAxis
	summed := map[int]bool{}
	for _, a := range c.contracted {
		s := list(a, func(int) bool { return true })
		for r := range s.classes {
			summed[r] = true
		}
		all = append(all, s)
	}
	for _, a := range c.axes() {
		if c.weights[a.tensor] == nil {
			continue
		}
		if s := list(a, func(r int) bool { return !summed[r] }); len(s.classes) > 0 {
			all = append(all, s)
		}
	}
	return all
}

// direction is an input of the differentiated graph along which an answer's change
// is looked at, for each sample as many numbers as the answer has.
type direction struct {
	input, answer string
	width         int
	scale         float32
}

// along adds the loss whose gradient is that of an answer in a direction.
func along(b *onnx.Builder, a student.Answer, opset int64) (direction, string) {
	d := direction{input: b.Name("direction"), answer: a.Knowledge.Logits, width: 1, scale: 1}
	for _, n := range a.Shape {
		d.width *= n
	}
	b.G.Inputs = append(b.G.Inputs, onnx.NewValue(d.input, onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(int64(d.width))))
	rows := b.Op("Reshape", []string{d.answer, b.Int64("rows", []int64{2}, []int64{-1, int64(d.width)})})
	sum := []string{b.Op("Mul", []string{rows, d.input})}
	var attrs []onnx.Attr
	if opset < 13 {
		attrs = append(attrs, onnx.Ints("axes", 1))
	} else {
		sum = append(sum, b.Int64("axes", []int64{1}, []int64{1}))
	}
	return d, b.Op("ReduceSum", sum, append(attrs, onnx.Int("keepdims", 0))...)
}

// standardise makes answers of unlike size count alike: a direction is as long as
// its answer's deviation is short.
func (w *work) standardise(ctx context.Context, directions []direction) error {
	const most = 64
	batch := min(most, w.samples.N)
	plan, err := w.compile(w.model, batch, engine.Options{Outputs: w.scores()})
	if err != nil {
		return err
	}
	if err := w.run(ctx, plan, 0, batch); err != nil {
		return err
	}
	for i := range directions {
		var sum, square float64
		out := plan.Output(directions[i].answer)
		for _, v := range out {
			sum += float64(v)
			square += float64(v) * float64(v)
		}
		n := float64(len(out))
		if deviation := math.Sqrt(square/n - sum/n*sum/n); deviation > 0 { // not of a constant
			directions[i].scale = float32(1 / deviation)
		}
	}
	return nil
}

// draw fills rows of random signs times scale, without the part that shifts all
// logits alike, which no softmax sees.
func draw(r *rand.Rand, rows []float32, width int, scale float32) {
	for len(rows) > 0 {
		row := rows[:width]
		rows = rows[width:]
		var sum float32
		for i := range row {
			row[i] = float32(2*r.IntN(2) - 1)
			sum += row[i]
		}
		if width > 1 {
			for i := range row {
				row[i] -= sum / float32(width)
			}
		}
		for i := range row {
			row[i] *= scale
		}
	}
}

// inner visits, for every class of an axis of a weight, the sum of weight times
// gradient over its positions.
func (c *classes) inner(a axis, params *engine.Params[float32], visit func(root int, v float64)) {
	value := params.Values(a.tensor)
	if value == nil {
		return
	}
	var grad []float32
	var shape []int
	for _, p := range params.List {
		if p.Name == a.tensor && !p.State {
			grad, shape = params.Grad[p.Off:p.Off+p.Len], p.Shape
		}
	}
	if grad == nil {
		return
	}
	list := c.lists[a]
	inner := 1
	for _, d := range shape[a.dim+1:] {
		inner *= d
	}
	sums := make([]float64, len(list))
	for at := 0; at < len(value); at += inner {
		k := at / inner % len(list)
		for i := at; i < at+inner; i++ {
			sums[k] += float64(value[i]) * float64(grad[i])
		}
	}
	for k, v := range sums {
		if r := c.root(list[k]); !c.frozen[r] {
			visit(r, v)
		}
	}
}

// magnitude scores every class by the sum of squares of its weights, for graphs
// that cannot be differentiated.
func (w *work) magnitude(c *classes) (map[int]float64, error) {
	scores := map[int]float64{}
	for _, a := range c.axes() {
		t := c.weights[a.tensor]
		if t == nil || !t.Type.IsFloat() {
			continue
		}
		v, err := onnx.Values[float64](t)
		if err != nil {
			return nil, err
		}
		list := c.lists[a]
		inner := 1
		for _, d := range t.Dims[a.dim+1:] {
			inner *= int(d)
		}
		for i, x := range v {
			if r := c.root(list[i/inner%len(list)]); !c.frozen[r] {
				scores[r] += x * x
			}
		}
	}
	return scores, nil
}
