// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/op"
)

// bindInner binds a node by its rule, where it has one and an operand or the result is
// an inner tensor. It reports whether it did; the node's kernel is then set, and the
// place of the samples in each output is returned (nil for ordinary ones).
func (p *Plan[T]) bindInner(o *op.Op, n *node[T], bind *op.Node) ([]*inner, bool) {
	some := false
	for _, t := range n.in {
		some = some || t != nil && t.inner != nil
	}
	if !some && (len(n.in) == 0 || n.in[0] == nil || !n.in[0].Batched || !moves[n.def.OpType]) {
		return nil, false
	}
	r := &rewriting{def: n.def, opset: bind.Opset, batch: bind.Batch}
	dry := *bind
	dry.In = slices.Clone(bind.In)
	for i, t := range n.in {
		if t == nil {
			r.in = append(r.in, operand{})
			continue
		}
		x := operand{shape: t.Shape, batched: t.Batched, lead: 1, value: t.Const}
		if t.inner != nil {
			x.shape, x.lead = t.inner.shape, t.inner.lead
		}
		r.in = append(r.in, x)
		dry.In[i].Shape, dry.In[i].Batched = x.shape, false
	}
	k, err := op.Bind[T](o, &dry) // for the shapes of the outputs
	if err != nil {
		return nil, false
	}
	for i := range k.Out {
		r.out = append(r.out, k.Out[i].Shape)
	}
	if !r.rewrite() {
		return nil, false
	}
	outs := make([]*inner, len(r.out))
	for i, shape := range r.out {
		if plain(shape, r.leads[i], r.batch) {
			continue
		}
		if i < len(n.def.Outputs) && p.wanted(n.def.Outputs[i]) {
			return nil, false // to be read in the graph's order
		}
		outs[i] = &inner{shape, r.leads[i]}
	}
	if !some && outs[0] == nil {
		return nil, false
	}
	// Bound to stored shapes, and only then is anything changed.
	stored, ins := *bind, slices.Clone(n.in)
	stored.Node, stored.In = r.node, slices.Clone(bind.In)
	for i := range ins {
		switch {
		case r.omit[i]:
			ins[i], stored.In[i] = nil, op.Operand{}
		case r.shapes[i] != nil:
			stored.In[i].Shape = r.shapes[i]
		}
		if r.enter[i] > 0 {
			stored.In[i].Batched, stored.In[i].Const = true, nil
		}
	}
	for i, v := range r.values {
		if v == nil {
			continue
		}
		for len(ins) <= i {
			ins, stored.In = append(ins, nil), append(stored.In, op.Operand{})
		}
		stored.In[i] = op.Operand{Shape: shapeOf(v), Type: v.Type, Const: v}
		values, err := onnx.Values[T](v)
		if err != nil {
			return nil, false
		}
		ins[i] = &tensor[T]{producer: -1, Operand: stored.In[i], fixed: values}
	}
	for last := len(ins) - 1; last > 0 && ins[last] == nil; last-- {
		ins, stored.In = ins[:last], stored.In[:last]
	}
	by, err := op.Lookup(stored.Domain, stored.OpType, stored.Opset)
	if err != nil {
		return nil, false
	}
	if k, err = op.Bind[T](by, &stored); err != nil || len(k.Out) != len(r.out) {
		return nil, false
	}
	for i := range k.Out {
		if !k.Out[i].Batched || k.Out[i].Len() != op.Len(r.out[i]) {
			return nil, false
		}
		if outs[i] == nil {
			k.Out[i].Shape = r.out[i]
		}
	}
	for i, t := range ins {
		if t != nil && i < len(r.enter) && r.enter[i] > 0 {
			ins[i] = p.moved(t, []int{r.enter[i], r.batch, t.Len() / r.enter[i] / r.batch}, true)
		}
	}
	n.kernel, n.in = k, ins
	return outs, true
}

// moves are the operators that can take the samples from the first axis.
var moves = map[string]bool{"Transpose": true, "Reshape": true, "Squeeze": true, "Unsqueeze": true, "Flatten": true}

func shapeOf(t *onnx.Tensor) []int {
	shape := make([]int, len(t.Dims))
	for i, d := range t.Dims {
		shape[i] = int(d)
	}
	return shape
}

// wanted says whether a tensor is to be kept readable after a run.
func (p *Plan[T]) wanted(name string) bool {
	return slices.Contains(p.opt.Outputs, name) || slices.Contains(p.opt.Losses, name)
}

// outer is an inner tensor in the graph's order: a shared tensor, computed on the whole
// batch.
func (p *Plan[T]) outer(t *tensor[T]) *tensor[T] {
	if t.asShared == nil {
		t.asShared = p.moved(t, []int{p.opt.Batch, t.inner.lead, t.per(p.opt.Batch) / t.inner.lead}, false)
		t.asShared.Shape = t.inner.shape
	}
	return t.asShared
}

// moved adds a node that exchanges the first two of three axes of t, to or from the
// order of samples.
func (p *Plan[T]) moved(t *tensor[T], shape []int, batched bool) *tensor[T] {
	def := &onnx.Node{Name: "samples of " + t.name, OpType: "Transpose", Inputs: []string{t.name},
		Attrs: []onnx.Attr{onnx.Ints("perm", 1, 0, 2)}}
	in := op.Operand{Shape: shape, Type: t.Type, Batched: false, Grad: t.Grad}
	k, err := p.transpose(&op.Node{Node: def, Opset: p.opt.Opset, In: []op.Operand{in}, Batch: p.opt.Batch, Shards: p.opt.Shards})
	if err != nil {
		panic("engine: " + err.Error())
	}
	k.Out[0].Batched = batched
	out := &tensor[T]{producer: len(p.nodes), Operand: k.Out[0]}
	out.Type, out.Grad = t.Type, t.Grad
	for out.name = def.Name; p.tensors[out.name] != nil; {
		out.name += "'"
	}
	p.tensors[out.name] = out
	if !batched {
		out.fixed = make([]T, t.Len())
	}
	p.nodes = append(p.nodes, &node[T]{def: def, kernel: k, in: []*tensor[T]{t}, out: []*tensor[T]{out}})
	return out
}

func (p *Plan[T]) transpose(n *op.Node) (*op.Kernel[T], error) {
	o, err := op.Lookup("", "Transpose", n.Opset)
	if err != nil {
		return nil, err
	}
	return op.Bind[T](o, n)
}
