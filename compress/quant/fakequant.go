// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"
	"math"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// Fake is a float model that rounds as an integer one does, for training: every
// tensor x that becomes integers passes through s * (clip(round(x/s) + z) - z).
// Rounding lets gradients pass straight through, so that the one of a step s is
//
//	round(x/s) - x/s  inside the range, the clipped integer outside
//
// times the incoming one: learned step sizes (S. Esser et al., LSQ,
// arXiv:1902.08153). A step is a trained gain, one at first, times what calibration
// chose, so that one learning rate suits all of them; zero points stay.
type Fake struct {
	Model *onnx.Model

	plan    *Plan
	opt     StaticOptions
	seen    *Observation
	tensors map[string]fakeStep // by root
	weights map[string]fakeStep // by initializer
}

// fakeStep is a trained gain and what it multiplies.
type fakeStep struct {
	gain  string
	steps []float32
}

// FakeQuantized returns the plan's model for training. Names that begin with
// constant are given to what must not be trained.
func (p *Plan) FakeQuantized(o *Observation, opt StaticOptions, constant string) (*Fake, error) {
	if p.w.opset < perChannel {
		return nil, &onnx.Error{Err: fmt.Errorf("it imports opset %d; training with rounded numbers needs opset %d", p.w.opset, perChannel)}
	}
	f := &Fake{Model: p.Model.Clone(), plan: p, opt: opt, seen: o, tensors: map[string]fakeStep{}, weights: map[string]fakeStep{}}
	g := f.Model.Graph
	k := &faker{Fake: f, g: g, b: onnx.NewBuilder(g, "lsq."), fixed: onnx.NewBuilder(g, constant), read: map[string]string{}, weighed: map[string]string{}}
	k.one = k.fixed.Float32("one", nil, []float32{1})
	e := &emitter{Plan: p, opt: opt, seen: o, b: onnx.NewBuilder(&onnx.Graph{}, ""), scales: map[string]scale{}, zeros: map[onnx.DataType]string{}}
	nodes := g.Nodes
	g.Nodes = nil
	for _, v := range p.Model.Graph.DataInputs() {
		if err := k.activation(v.Name, v.Name, e); err != nil {
			return nil, err
		}
	}
	for i, n := range nodes {
		original := p.Model.Graph.Nodes[i]
		r := p.rule[original]
		for at, in := range n.Inputs {
			if a := p.tensors[in]; a != nil && !a.born && r != nil {
				if _, ok := r.data(p.w, original)[at]; ok {
					n.Inputs[at] = k.read[in]
				}
			}
		}
		if r != nil && r.Role == product {
			n.Inputs[1] = k.weight(n.Inputs[1], r.Axis(original))
		}
		raw := map[string]string{}
		for at, out := range n.Outputs {
			if a := p.tensors[out]; a != nil && a.root == out {
				raw[out] = out
				if a.born {
					raw[out] = k.b.Name("raw")
					n.Outputs[at] = raw[out]
				}
			} else if a != nil {
				k.read[out] = out // moved, and rounded where it came from
			}
		}
		g.Nodes = append(g.Nodes, n)
		for _, out := range slices.Clone(original.Outputs) {
			if raw[out] != "" {
				if err := k.activation(out, raw[out], e); err != nil {
					return nil, err
				}
			}
		}
	}
	return f, f.Model.Check()
}

// faker is a Fake being written.
type faker struct {
	*Fake
	g        *onnx.Graph
	b, fixed *onnx.Builder
	one      string
	weighed  map[string]string // rounded weights by initializer and axis
	read     map[string]string // what integer operators read instead of a tensor
}

// activation rounds a tensor, computed under the name from.
func (k *faker) activation(name, from string, e *emitter) error {
	a := k.plan.tensors[name]
	if a == nil || a.root != name {
		return nil
	}
	s, err := e.scaleOf(name)
	if err != nil {
		return err
	}
	gain := k.b.Float32("gain", []int64{1}, []float32{1})
	k.tensors[name] = fakeStep{gain, []float32{s.step}}
	step := k.b.Op("Mul", []string{k.b.Op("Identity", []string{gain}), k.fixed.Float32("step", []int64{1}, []float32{s.step})})
	zero := k.fixed.Init(&onnx.Tensor{Name: "zero", Type: k.opt.Integers.Activation, Data: []byte{byte(int(s.zero))}})
	out := k.round(k.b.Op("Div", []string{from, step}), zero, step)
	if a.born {
		k.g.Nodes[len(k.g.Nodes)-1].Outputs[0] = name
		out = name
	}
	k.read[name] = out
	return nil
}

// weight rounds a weight, with a trained step an output channel.
func (k *faker) weight(name string, axis int) string {
	key := fmt.Sprint(name, "/", axis)
	if out := k.weighed[key]; out != "" {
		return out
	}
	t := k.plan.w.constant(name)
	most := k.opt.Integers.weightMost()
	g := newGrid(k.plan.w.float(name), t.Dims, axis, most, false)
	dims := make([]int64, len(t.Dims))
	ones := make([]float32, len(g.scales))
	for i := range dims {
		dims[i] = 1
	}
	for i := range ones {
		ones[i] = 1
	}
	dims[axis] = int64(len(ones))
	gain := k.b.Float32("gain", dims, ones)
	k.weights[name] = fakeStep{gain, g.scales}
	step := k.b.Op("Mul", []string{k.b.Op("Identity", []string{gain}), k.fixed.Float32("step", dims, g.scales)})
	x := k.b.Op("Clip", []string{k.b.Op("Div", []string{name, step}), k.fixed.Float32("least", nil, []float32{float32(-most)}), k.fixed.Float32("most", nil, []float32{float32(most)})})
	zero := k.fixed.Init(&onnx.Tensor{Name: "zero", Type: onnx.Int8, Data: []byte{0}})
	k.weighed[key] = k.round(x, zero, step)
	return k.weighed[key]
}

// round rounds numbers of steps and turns them back.
func (k *faker) round(x, zero, step string) string {
	q := k.b.Op("QuantizeLinear", []string{x, k.one, zero})
	return k.b.Op("Mul", []string{k.b.Op("DequantizeLinear", []string{q, k.one, zero}), step})
}

// Integers returns the integer model of the trained weights and steps.
func (f *Fake) Integers() (*Static, error) {
	m := f.plan.Model.Clone()
	learned := func(s fakeStep) ([]float32, error) {
		gain, err := onnx.Values[float32](f.Model.Graph.Initializer(s.gain))
		if err != nil {
			return nil, err
		}
		out := make([]float32, len(s.steps))
		for i := range out {
			// A step keeps its sign; one that was trained to nothing stays tiny.
			if out[i] = s.steps[i] * float32(math.Abs(float64(gain[i]))); out[i] < 1e-20 {
				out[i] = s.steps[i]
			}
		}
		return out, nil
	}
	for _, t := range m.Graph.Initializers {
		if trained := f.Model.Graph.Initializer(t.Name); trained != nil && trained.Type == t.Type {
			t.Data = slices.Clone(trained.Data)
		}
	}
	opt := f.opt
	opt.Correct, opt.Rounding = false, nil
	opt.steps, opt.weightSteps = map[string]float32{}, map[string][]float32{}
	for root, s := range f.tensors {
		v, err := learned(s)
		if err != nil {
			return nil, err
		}
		opt.steps[root] = v[0]
	}
	for name, s := range f.weights {
		v, err := learned(s)
		if err != nil {
			return nil, err
		}
		opt.weightSteps[name] = v
	}
	keep := map[string]bool{}
	for _, l := range f.plan.Float {
		keep[l.Node] = true
	}
	p, err := NewPlan(m, keep)
	if err != nil {
		return nil, err
	}
	return p.Static(f.seen, opt)
}
