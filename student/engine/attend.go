// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
	"github.com/kdcompress/kdcompress/student/op"
)

// attend computes attention that a graph writes as MatMul, scale, mask, Softmax and MatMul
// head by head, with the scores of one head in the cache. Heads are read and written where
// they lie: the Transposes that bring them to the front, and the Split of a product that
// makes queries, keys and values at once, are not run for it. Nodes whose results nothing
// else reads fall away.
type attend[T kernel.Float] struct {
	p     *Plan[T]
	made  map[*tensor[T]]*node[T]
	reads map[*tensor[T]]int
}

// fusing is off in tests that want the graph as it is.
var fusing = true

func (p *Plan[T]) fuseAttention() {
	f := &attend[T]{p, map[*tensor[T]]*node[T]{}, map[*tensor[T]]int{}}
	for _, n := range p.nodes {
		for _, t := range n.out {
			f.made[t] = n
		}
		for _, t := range n.in {
			f.reads[t]++
		}
	}
	for _, n := range slices.Clone(p.nodes) {
		if f.is(n, "MatMul") {
			f.match(n)
		}
	}
}

func (f *attend[T]) is(n *node[T], kind string) bool {
	return n != nil && n.def.OpType == kind && n.def.Domain == ""
}

// ordinary says that t is batched, has four axes and its samples on the first.
func ordinary[T kernel.Float](t *tensor[T]) bool {
	return t != nil && t.Batched && t.inner == nil && len(t.Shape) == 4
}

// match replaces the last product of an attention.
func (f *attend[T]) match(last *node[T]) {
	p := f.p
	probs, v, y := last.in[0], last.in[1], last.out[0]
	if !ordinary(probs) || !ordinary(v) || !ordinary(y) || v.Shape[0] != probs.Shape[0] || v.Shape[1] != probs.Shape[1] {
		return
	}
	if n := f.made[probs]; f.is(n, "Dropout") && !p.opt.Training {
		probs = n.in[0]
	}
	n := f.made[probs]
	if !f.is(n, "Softmax") || n.def.Int("axis", -1) != -1 && n.def.Int("axis", -1) != 3 || p.opt.Opset < 13 && n.def.Attr("axis") == nil {
		return
	}
	scores := n.in[0]
	a := &op.Attending{Heads: scores.Shape[1], Group: 1, Rows: scores.Shape[2], Keys: scores.Shape[3], Width: v.Shape[3], Scale: 1}
	var mask *tensor[T]
	if n := f.made[scores]; f.is(n, "Add") {
		for i, t := range n.in {
			if ordinary(t) && slices.Equal(t.Shape, scores.Shape) && f.made[t] != nil && n.in[1-i].inner == nil {
				scores, mask = t, n.in[1-i]
				break
			}
		}
		var err error
		if mask == nil || mask.Batched && len(mask.Shape) != 4 {
			return
		}
		if a.Mask, err = op.NewAttentionMask(mask.Shape, false, scores.Shape); err != nil || a.Mask.Keys != a.Keys {
			return
		}
	}
	scores = f.scaled(scores, &a.Scale)
	n = f.made[scores]
	if !f.is(n, "MatMul") || !ordinary(n.in[0]) || !ordinary(n.in[1]) || !slices.Equal(n.in[0].Shape[:2], n.in[1].Shape[:2]) {
		return
	}
	q, k := f.scaled(n.in[0], &a.Scale), f.scaled(n.in[1], &a.Scale)
	a.Depth = q.Shape[3]
	if a.Rows == 0 || a.Keys == 0 || a.Depth == 0 || a.Width == 0 {
		return
	}
	q, a.Q = f.heads(q)
	k, a.K, a.Turned = f.keys(k)
	v, a.V = f.heads(v)
	out, at := y, last
	a.Y = op.Heads{Sample: a.Heads * a.Rows * a.Width, Head: a.Rows * a.Width, Row: a.Width}
	if f.reads[y] == 1 && !p.wanted(y.name) {
		for _, n := range p.nodes {
			if slices.Contains(n.in, y) && f.turns(n, 0, 2, 1, 3) && n.out[0].inner == nil {
				out, at = n.out[0], n
				a.Y.Head, a.Y.Row = a.Width, a.Heads*a.Width
			}
		}
	}
	in := []*tensor[T]{q, k, v}
	if mask != nil {
		in = append(in, mask)
	}
	kernel := op.BindAttending[T](a, out.Operand, out.Shape[0]/p.opt.Batch)
	fused := &node[T]{def: last.def, kernel: kernel, in: in, out: []*tensor[T]{out}}
	for i, n := range p.nodes {
		if n == at {
			p.nodes[i] = fused
		}
	}
	if at != last {
		p.nodes = slices.DeleteFunc(p.nodes, func(n *node[T]) bool { return n == last })
	}
}

// scaled looks behind products with constant numbers and multiplies scale by them.
func (f *attend[T]) scaled(t *tensor[T], scale *float64) *tensor[T] {
	n := f.made[t]
	mul, div := f.is(n, "Mul"), f.is(n, "Div")
	if !mul && !div {
		return t
	}
	for i, c := range n.in {
		x := n.in[1-i]
		if c.Const == nil || c.Len() != 1 || !ordinary(x) || div && i == 0 {
			continue
		}
		v, err := onnx.Values[float64](c.Const)
		if err != nil {
			return t
		}
		if div {
			v[0] = 1 / v[0]
		}
		*scale *= v[0]
		return f.scaled(x, scale)
	}
	return t
}

// turns says whether a node is a Transpose of that order of axes between ordinary
// tensors.
func (f *attend[T]) turns(n *node[T], perm ...int64) bool {
	return f.is(n, "Transpose") && ordinary(n.in[0]) && slices.Equal(n.def.Ints("perm", nil), perm)
}

// heads finds where the heads of t, [N, heads, rows, width], can be read.
func (f *attend[T]) heads(t *tensor[T]) (*tensor[T], op.Heads) {
	heads, rows, width := t.Shape[1], t.Shape[2], t.Shape[3]
	if n := f.made[t]; f.turns(n, 0, 2, 1, 3) {
		return f.part(n.in[0], op.Heads{Sample: heads * rows * width, Head: width, Row: heads * width})
	}
	return t, op.Heads{Sample: heads * rows * width, Head: rows * width, Row: width}
}

// keys is the same for t of the form [N, heads, width, rows], the keys on the right of a
// product. They are turned if they can only be read so.
func (f *attend[T]) keys(t *tensor[T]) (*tensor[T], op.Heads, bool) {
	heads, width, rows := t.Shape[1], t.Shape[2], t.Shape[3]
	n := f.made[t]
	if f.turns(n, 0, 2, 3, 1) {
		from, at := f.part(n.in[0], op.Heads{Sample: heads * rows * width, Head: width, Row: heads * width})
		return from, at, false
	}
	if f.turns(n, 0, 1, 3, 2) {
		from, at := f.heads(n.in[0])
		return from, at, false
	}
	return t, op.Heads{Sample: heads * rows * width, Head: rows * width, Row: rows}, true
}

// part looks behind a Split of the last axis that made the rows of t, whose heads lie
// side by side.
func (f *attend[T]) part(t *tensor[T], at op.Heads) (*tensor[T], op.Heads) {
	from := t.root()
	n := f.made[from]
	if !f.is(n, "Split") || from.inner != nil || len(from.Shape) != 3 || from.Shape[2] != at.Row || n.in[0].inner != nil {
		return t, at
	}
	if a := n.def.Int("axis", 0); a != 2 && a != -1 {
		return t, at
	}
	whole := n.in[0].Shape[2]
	for _, o := range n.out {
		if o == from {
			break
		}
		at.Off += o.Shape[2]
	}
	at.Sample, at.Row = at.Sample/at.Row*whole, whole
	return n.in[0], at
}
