// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// oldest is the first opset that has QuantizeLinear, perChannel the first in which
// it takes a scale a channel.
const (
	oldest     = 10
	perChannel = 13
)

// Plan says what of a prepared model becomes integers.
type Plan struct {
	// Model is the model as Prepare made it. It is not changed.
	Model *onnx.Model
	// Layers are the weighted sums that compute with integers, in graph order.
	Layers []Layer
	// Float are those that do not, and why.
	Float []Layer

	w       *wiring
	rule    map[*onnx.Node]*rule // of the nodes that compute with integers
	tensors map[string]*activation
	order   []string // of tensors
}

// Layer is a weighted sum: Conv, Gemm or MatMul.
type Layer struct {
	Node   string // its name, else its first output
	Op     string
	Weight string // the initializer
	Why    string // it stays in float
}

// activation is a tensor that is quantized.
type activation struct {
	// root is the tensor whose scale this one shares, itself unless a movement
	// made it.
	root string
	// born says that an integer operator computes it: nobody sees it in float.
	born bool
	// most bounds the range from above, 0 for none: a Clip that is left to the
	// quantization must find its own bound there.
	most float64
}

// NewPlan decides which nodes of a prepared model compute with integers. Layers
// named in keep stay in float. It fails where the model's operator set knows no
// integers.
func NewPlan(m *onnx.Model, keep map[string]bool) (*Plan, error) {
	// A layer whose output was rounded for an operator that then stayed in float
	// keeps its output in float; that may turn others, so it is decided anew.
	floats := map[*onnx.Node]bool{}
	for {
		p, err := newPlan(m, keep, floats)
		if err != nil {
			return nil, err
		}
		before := len(floats)
		for n, r := range p.rule {
			out, _ := p.result(n)
			if r.Role != product || r.Output || p.tensors[out] == nil {
				continue
			}
			if !slices.ContainsFunc(p.w.readers[out], func(x *onnx.Node) bool { return p.rule[x] != nil }) {
				floats[n] = true
			}
		}
		if len(floats) == before {
			return p, nil
		}
	}
}

func newPlan(m *onnx.Model, keep map[string]bool, floats map[*onnx.Node]bool) (*Plan, error) {
	p := &Plan{Model: m, w: newWiring(m), rule: map[*onnx.Node]*rule{}, tensors: map[string]*activation{}}
	if p.w.opset < oldest {
		return nil, &onnx.Error{Err: fmt.Errorf("it imports opset %d; integers begin with opset %d", p.w.opset, oldest)}
	}
	for _, n := range m.Graph.Nodes {
		p.consider(n, keep)
	}
	wanted := p.wanted()
	for _, n := range m.Graph.Nodes {
		if !floats[n] {
			p.settle(n, wanted)
		}
	}
	return p, nil
}

// consider makes a layer of a node that is a weighted sum.
func (p *Plan) consider(n *onnx.Node, keep map[string]bool) {
	switch n.OpType {
	case "Conv", "Gemm", "MatMul", "ConvTranspose", "LSTM", "GRU", "RNN", "Einsum":
	default:
		return
	}
	l := Layer{Node: title(n), Op: n.OpType}
	if len(n.Inputs) > 1 {
		l.Weight = n.Inputs[1]
	}
	r := ruleFor(p.w, n)
	switch {
	case r == nil:
		l.Why = "standard ONNX has no integer form of it"
	case p.w.constant(n.Inputs[0]) != nil:
		l.Why = "its input is a constant"
	case keep[l.Node]:
		l.Why = "kept, since it cost the most agreement"
	default:
		l.Why = r.Fits(p.w, n)
	}
	if l.Why != "" {
		p.Float = append(p.Float, l)
		return
	}
	p.Layers = append(p.Layers, l)
	p.rule[n] = r
	p.add(n.Inputs[0], &activation{root: n.Inputs[0]})
}

func (p *Plan) add(name string, a *activation) {
	if p.tensors[name] == nil {
		p.order = append(p.order, name)
		p.tensors[name] = a
	}
}

// result is the tensor that stands for a node's output: behind the Relu or Clip
// that alone reads it, where the quantization can do that operator's work.
func (p *Plan) result(n *onnx.Node) (name string, most float64) {
	name = n.Outputs[0]
	r := p.w.readers[name]
	if len(r) != 1 || !p.w.only(name, r[0]) || !standard(r[0]) {
		return name, 0
	}
	switch next := r[0]; next.OpType {
	case "Relu":
		return next.Outputs[0], 0
	case "Clip":
		lo, hi, ok := clipBounds(p.w, next)
		if ok && lo == 0 && hi > 0 {
			return next.Outputs[0], hi
		}
	}
	return name, 0
}

// clipBounds are the constant bounds of a Clip, attributes before opset 11.
func clipBounds(w *wiring, n *onnx.Node) (lo, hi float64, ok bool) {
	if w.opset < 11 {
		return float64(n.Float("min", -3.4e38)), float64(n.Float("max", 3.4e38)), true
	}
	var v [2]float64
	for i := range v {
		if len(n.Inputs) <= 1+i {
			return 0, 0, false
		}
		x := w.float(n.Inputs[1+i])
		if len(x) != 1 {
			return 0, 0, false
		}
		v[i] = float64(x[0])
	}
	return v[0], v[1], true
}

// wanted is the set of tensors that a layer reads, directly or through operators
// that could compute on integers.
func (p *Plan) wanted() map[string]bool {
	wanted := map[string]bool{}
	for name := range p.tensors {
		wanted[name] = true
	}
	for _, n := range slices.Backward(p.Model.Graph.Nodes) {
		r := p.light(n)
		if r == nil {
			continue
		}
		if out, _ := p.result(n); wanted[out] {
			for _, in := range r.data(p.w, n) {
				wanted[in] = true
			}
		}
	}
	return wanted
}

// light is the rule of a node that is no weighted sum, nil if it has none.
func (p *Plan) light(n *onnx.Node) *rule {
	r := ruleFor(p.w, n)
	if r == nil || r.Role == product || (r.Fits != nil && r.Fits(p.w, n) != "") {
		return nil
	}
	return r
}

// settle decides about a node, once everything before it is decided.
func (p *Plan) settle(n *onnx.Node, wanted map[string]bool) {
	r := p.rule[n]
	if r == nil {
		if r = p.light(n); r == nil {
			return
		}
		for _, in := range r.data(p.w, n) {
			if p.tensors[in] == nil {
				return
			}
		}
	}
	out, most := p.result(n)
	if !wanted[out] && !r.Output {
		return
	}
	p.rule[n] = r
	a := &activation{root: out, born: true, most: most}
	if r.Role == movement {
		// What is moved cannot leave the range it had.
		out = n.Outputs[0]
		a = &activation{root: p.tensors[n.Inputs[0]].root, born: true}
	}
	if old := p.tensors[out]; old != nil {
		*old = *a
		return
	}
	p.add(out, a)
}

// Observed are the tensors whose values decide the scales.
func (p *Plan) Observed() []string {
	var names []string
	for _, name := range p.order {
		if p.tensors[name].root == name {
			names = append(names, name)
		}
	}
	return names
}
