// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
	"github.com/kdcompress/kdcompress/student/op"
)

// Param is a tensor the engine may change: a trainable weight, or a state such
// as a running mean.
type Param struct {
	Name  string
	Shape []int
	Off   int // of the first element in Params.W
	Len   int
	State bool // updated by the forward pass of training, not by gradients
}

// Params is the changeable part of a graph in one flat vector: trainable weights
// first, states behind them. Several plans share one Params, so that what one
// trains the other evaluates.
type Params[T kernel.Float] struct {
	List []Param
	W    []T // all values
	// Grad is the gradient of the trainable ones, as the last training run left it. It may
	// be scaled in place.
	Grad  []T
	index map[string]int
	by    any // the plan whose run wrote Grad last
}

// NewParams collects the trainable weights and states of a graph. Trainable is
// every floating-point initializer that some operator uses as a weight; not
// trainable are operands that parameterise an operator (op.Op.Fixed) or of operators
// that let no gradient pass (op.Op.Stops), one-element operands of arithmetic (they
// are constants of a formula, such as the 255 of a normalisation), and whatever
// frozen names. Frozen may be nil.
func NewParams[T kernel.Float](g *onnx.Graph, frozen func(name string) bool) (*Params[T], error) {
	role := map[string]int{} // 1 weight, 2 state, 3 constant
	for _, n := range g.Nodes {
		o, err := op.Lookup(n.Domain, n.OpType, 1<<20)
		if err == nil && o.Stops {
			continue // no gradient comes back, so it makes nothing a weight
		}
		for i, name := range n.Inputs {
			r := 1
			switch {
			case err != nil || slices.Contains(o.Fixed, i):
				r = 3
			case slices.Contains(o.State, i):
				r = 2
			}
			role[name] = max(role[name], r)
		}
	}
	arithmetic := map[string]bool{}
	for _, n := range g.Nodes {
		switch n.OpType {
		case "Add", "Sub", "Mul", "Div", "Pow", "Mod", "Min", "Max", "Sum", "Mean", "Where":
			for _, name := range n.Inputs {
				arithmetic[name] = true
			}
		}
	}
	p := &Params[T]{index: map[string]int{}}
	for _, state := range []bool{false, true} {
		for _, t := range g.Initializers {
			if !t.Type.IsFloat() || role[t.Name] == 0 || role[t.Name] == 3 || (role[t.Name] == 2) != state {
				continue
			}
			if !state && (frozen != nil && frozen(t.Name) || t.Len() == 1 && arithmetic[t.Name]) {
				continue
			}
			v, err := onnx.Values[T](t)
			if err != nil {
				return nil, err
			}
			shape := make([]int, len(t.Dims))
			for i, d := range t.Dims {
				shape[i] = int(d)
			}
			p.index[t.Name] = len(p.List)
			p.List = append(p.List, Param{Name: t.Name, Shape: shape, Off: len(p.W), Len: len(v), State: state})
			p.W = append(p.W, v...)
		}
		if !state {
			p.Grad = make([]T, len(p.W))
		}
	}
	return p, nil
}

// Trainable is the part of W that gradients change.
func (p *Params[T]) Trainable() []T { return p.W[:len(p.Grad)] }

// Values is the slice of W that holds the named tensor, nil if it is not changeable.
func (p *Params[T]) Values(name string) []T {
	i, ok := p.index[name]
	if !ok {
		return nil
	}
	q := p.List[i]
	return p.W[q.Off : q.Off+q.Len]
}

// Store writes the values into the initializers of the same names, in the types
// those have.
func (p *Params[T]) Store(g *onnx.Graph) error {
	for _, q := range p.List {
		t := g.Initializer(q.Name)
		if t == nil || t.Len() != q.Len {
			return fmt.Errorf("graph %q has no initializer %q of %d elements", g.Name, q.Name, q.Len)
		}
		v := make([]float32, q.Len)
		for i, x := range p.W[q.Off : q.Off+q.Len] {
			v[i] = float32(x)
		}
		t.Data = onnx.FloatData(t.Type, v)
	}
	return nil
}
