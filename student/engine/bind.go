// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/op"
)

// bindInputs creates the tensors that exist before any node: graph inputs,
// weights, constants. The first dimension of every graph input counts samples.
func (p *Plan[T]) bindInputs(g *onnx.Graph) error {
	for _, v := range g.DataInputs() {
		if !v.Ranked || len(v.Dims) == 0 {
			return fmt.Errorf("input %q has no batch dimension: its shape is not declared or is a scalar", v.Name)
		}
		shape := make([]int, len(v.Dims))
		for i, d := range v.Dims {
			switch size, ok := p.opt.Dims[d.Param]; {
			case i == 0:
				shape[i] = p.opt.Batch
			case d.Size > 0:
				shape[i] = int(d.Size)
			case ok && d.Param != "":
				shape[i] = size
			default:
				return fmt.Errorf("input %q: dimension %d (%q) has no size; give it one", v.Name, i, d.Param)
			}
		}
		p.tensors[v.Name] = &tensor[T]{name: v.Name, producer: -1, Operand: op.Operand{Shape: shape, Type: v.Type, Batched: true}}
	}
	for _, t := range g.Initializers {
		c := &tensor[T]{name: t.Name, producer: -1, weight: true}
		c.Operand = op.Operand{Shape: make([]int, len(t.Dims)), Type: t.Type}
		for i, d := range t.Dims {
			c.Shape[i] = int(d)
		}
		if c.fixed = p.params.Values(t.Name); c.fixed != nil {
			q := p.params.List[p.params.index[t.Name]]
			c.Grad = !q.State && len(p.opt.Losses) > 0
		} else if t.Type == onnx.StringType {
			continue
		} else {
			v, err := onnx.Values[T](t)
			if err != nil {
				return err
			}
			c.fixed, c.Const = v, t
		}
		p.tensors[t.Name] = c
	}
	return nil
}

// reachable lists the nodes that the wanted tensors depend on, in graph order.
// Others are not looked at, so they may be of operators the engine does not know,
// such as an ArgMax behind the logits.
func (opt *Options) reachable(g *onnx.Graph) []*onnx.Node {
	wanted := map[string]bool{}
	for _, list := range [][]string{opt.Outputs, opt.Losses} {
		for _, name := range list {
			wanted[name] = true
		}
	}
	var nodes []*onnx.Node
	for _, n := range slices.Backward(g.Nodes) {
		if !slices.ContainsFunc(n.Outputs, func(o string) bool { return o != "" && wanted[o] }) {
			continue
		}
		for _, in := range n.Inputs {
			wanted[in] = true
		}
		nodes = append(nodes, n)
	}
	slices.Reverse(nodes)
	return nodes
}

// bindNode binds one node to the shapes of its inputs. A node of constants alone
// is computed at once and its outputs are constants too.
func (p *Plan[T]) bindNode(def *onnx.Node) error {
	opset := p.opt.Opset
	o, err := op.Lookup(def.Domain, def.OpType, opset)
	if err != nil {
		return err
	}
	n := &node[T]{def: def}
	bind := &op.Node{Node: def, Opset: opset, Batch: p.opt.Batch, Shards: p.opt.Shards, Training: p.opt.Training,
		Seed: p.opt.Seed + uint64(len(p.nodes))*0x9e3779b97f4a7c15}
	constant, grad, weights := len(def.Inputs) > 0, false, len(def.Inputs) > 0
	for i, name := range def.Inputs {
		if name == "" {
			n.in = append(n.in, nil)
			bind.In = append(bind.In, op.Operand{})
			continue
		}
		t := p.tensors[name]
		if t == nil {
			return fmt.Errorf("input %d, %q, is computed by nothing", i, name)
		}
		n.in = append(n.in, t)
		bind.In = append(bind.In, t.Operand)
		constant = constant && t.Const != nil
		grad = grad || t.Grad
		weights = weights && t.weight
		bind.BF16 = bind.BF16 || p.opt.BF16 && t.weight
	}
	places, done := p.bindInner(o, n, bind)
	if !done {
		for i, t := range n.in {
			if t != nil && t.inner != nil {
				n.in[i] = p.outer(t)
				bind.In[i] = n.in[i].Operand
			}
		}
		if n.kernel, err = op.Bind[T](o, bind); err != nil {
			return err
		}
	}
	if len(n.kernel.Out) < len(def.Outputs) {
		for _, extra := range def.Outputs[len(n.kernel.Out):] {
			if extra != "" {
				return fmt.Errorf("output %q cannot be had in training", extra)
			}
		}
	}
	for i, out := range n.kernel.Out {
		t := &tensor[T]{producer: len(p.nodes), Operand: out, weight: weights}
		if done {
			t.inner = places[i]
		}
		t.Grad = grad && !o.Stops && (o.StraightThrough || out.Type.IsFloat() || out.Type == onnx.Undefined)
		if i < len(def.Outputs) {
			t.name = def.Outputs[i]
		}
		if out.Batched && out.Len() < 1 {
			return errors.New("an output without elements")
		}
		n.out = append(n.out, t)
		if t.name != "" {
			if p.tensors[t.name] != nil {
				return fmt.Errorf("output %q is computed twice", t.name)
			}
			p.tensors[t.name] = t
		}
		switch {
		case out.Const != nil:
			if t.fixed, err = onnx.Values[T](out.Const); err != nil {
				return err
			}
			t.producer, t.Grad = -1, false
		case !out.Batched:
			t.fixed = make([]T, out.Len())
		}
	}
	if !slices.ContainsFunc(n.kernel.Out, func(o op.Operand) bool { return o.Const == nil }) {
		return nil // the shapes alone decide the values, as those of a Shape
	}
	if constant {
		return p.fold(n)
	}
	p.share(n)
	p.nodes = append(p.nodes, n)
	return nil
}

// share gives a view the memory of what it looks at. The gradient of an objective is set
// before any other is added, so an objective has its own.
func (p *Plan[T]) share(n *node[T]) {
	if !n.kernel.View || len(n.out) != 1 || n.in[0].Batched != n.out[0].Batched || slices.Contains(p.opt.Losses, n.out[0].name) {
		return
	}
	n.view, n.out[0].alias = true, n.in[0].root()
	if !n.out[0].Batched {
		n.out[0].fixed = n.in[0].fixed
	}
}

// fold computes a node of constants and makes its outputs constants.
func (p *Plan[T]) fold(n *node[T]) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *op.Fault:
			err = r
		default:
			panic(r)
		}
	}()
	k := n.kernel
	f := &op.Frame[T]{N: p.opt.Batch, First: true,
		Saved: make([]T, k.Saved*p.opt.Batch), Scratch: make([]T, k.Scratch+k.ScratchPer*p.opt.Batch)}
	for _, t := range n.in {
		if t == nil {
			f.In = append(f.In, nil)
			continue
		}
		f.In = append(f.In, t.fixed)
	}
	for _, t := range n.out {
		if t.fixed == nil {
			return errors.New("a node of constants whose output depends on the batch")
		}
		f.Out = append(f.Out, t.fixed)
	}
	for _, phase := range k.Forward {
		phase(f)
	}
	for _, t := range n.out {
		dims := make([]int64, len(t.Shape))
		for i, d := range t.Shape {
			dims[i] = int64(d)
		}
		t.producer = -1
		if t.Type.IsFloat() {
			v := make([]float32, len(t.fixed))
			for i, x := range t.fixed {
				v[i] = float32(x)
			}
			t.Const = onnx.NewFloat32(t.name, dims, v)
			continue
		}
		v := make([]int64, len(t.fixed))
		for i, x := range t.fixed {
			v[i] = int64(x)
		}
		t.Const = onnx.NewInt64(t.name, dims, v)
	}
	return nil
}

// markNeeded finds what the wanted outputs depend on, and which gradients the
// objective needs. It refuses to train through an operator without a gradient.
func (p *Plan[T]) markNeeded() error {
	want := func(names []string) error {
		for _, name := range names {
			t := p.tensors[name]
			if t == nil {
				return fmt.Errorf("no tensor %q in the graph", name)
			}
			t.needed = true
		}
		return nil
	}
	if err := want(p.opt.Outputs); err != nil {
		return err
	}
	if err := want(p.opt.Losses); err != nil {
		return err
	}
	for _, name := range p.opt.Losses {
		t := p.tensors[name]
		if !t.Grad {
			return fmt.Errorf("nothing that can be trained leads to %q", name)
		}
		if !t.Batched && t.Len() != 1 && (len(t.Shape) == 0 || t.Shape[0] != p.opt.Batch) {
			return fmt.Errorf("objective %q has shape %v; it must be a scalar or one block a sample", name, t.Shape)
		}
		t.onPath = true
	}
	for i := len(p.nodes) - 1; i >= 0; i-- {
		n := p.nodes[i]
		for _, t := range n.out {
			n.needed = n.needed || t.needed
			n.back = n.back || t.onPath
		}
		if n.back && n.kernel.Backward == nil {
			return &onnx.Error{Node: n.def.Name, Op: n.def.OpType, Err: fmt.Errorf("the operator has no gradient (opset %d), and weights before it are to be trained", p.opt.Opset)}
		}
		for _, t := range n.in {
			if t == nil {
				continue
			}
			t.needed = t.needed || n.needed
			t.onPath = t.onPath || n.back && t.Grad
		}
	}
	return nil
}
