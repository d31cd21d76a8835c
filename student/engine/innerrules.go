// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/op"
)

// sameOrder is the rule of operators that keep the elements in their order.
func sameOrder(r *rewriting) bool {
	r.node.OpType, r.node.Attrs = "Identity", nil
	for i := range r.omit {
		r.omit[i] = i > 0
	}
	r.leads[0] = r.in[0].lead
	return true
}

// transposed renumbers the axes with those of the samples taken apart.
func transposed(r *rewriting) bool {
	x := &r.in[0]
	rank := len(x.shape)
	perm := r.def.Ints("perm", nil)
	if perm == nil {
		for i := range rank {
			perm = append(perm, int64(rank-1-i))
		}
	}
	p := x.place
	// number is where axis k begins in the stored shape, behind the samples.
	parts := 0
	for _, d := range []int{p.before, p.behind} {
		if d != 1 {
			parts++
		}
	}
	number := func(k int) int64 {
		if k > p.axis {
			k += parts - 1
		}
		return int64(k) + 1
	}
	order := []int64{0}
	lead := p.before
	for i, a := range perm {
		k, ok := axis(a, rank)
		if !ok {
			return false
		}
		if k != p.axis {
			order = append(order, number(k))
			continue
		}
		for j := range parts {
			order = append(order, number(k)+int64(j))
		}
		lead *= op.Len(r.out[0][:i])
	}
	r.shapes[0] = r.stored(x)
	r.node.SetAttr(onnx.Ints("perm", order...))
	if slices.IsSorted(order) {
		r.node.OpType, r.node.Attrs = "Identity", nil
	}
	r.leads[0] = lead
	return true
}

// broadcasting is the rule of operators whose operands broadcast to the output.
func broadcasting(r *rewriting) bool { return r.broadcast(0) }

// broadcast gives all inputs stored shapes that broadcast as those of the graph do. The
// last tail axes must not be the samples'.
func (r *rewriting) broadcast(tail int) bool {
	rank, at := len(r.out[0]), -1
	var p place
	for i := range r.in {
		o := &r.in[i]
		if !o.batched {
			continue
		}
		a := o.place.axis + rank - len(o.shape)
		if at >= 0 && (a != at || o.place.before != p.before || o.place.behind != p.behind) {
			return false
		}
		at, p = a, o.place
	}
	if at < 0 || at >= rank-tail {
		return false
	}
	p.axis = at
	for i := range r.in {
		o := &r.in[i]
		if o.shape == nil {
			continue
		}
		k := at - (rank - len(o.shape))
		switch {
		case o.batched:
			r.shapes[i] = slices.Insert(r.stored(o), 1, slices.Repeat([]int{1}, rank-len(o.shape))...)
		case k >= 0 && o.shape[k] != 1:
			return false
		case k >= 0:
			r.shapes[i] = slices.Clone(o.shape[:k])
			for _, d := range []int{p.before, p.behind} {
				if d != 1 {
					r.shapes[i] = append(r.shapes[i], 1)
				}
			}
			r.shapes[i] = append(r.shapes[i], o.shape[k+1:]...)
		}
	}
	for i := range r.out {
		if !r.keeps(i, at, p) {
			return false
		}
	}
	return true
}

// product is MatMul's rule: rows by weights, or matrices at broadcast positions.
func product(r *rewriting) bool {
	a, b := &r.in[0], &r.in[1]
	if !b.batched && len(b.shape) <= 2 && len(a.shape) > 1 && a.place.axis < len(a.shape)-1 {
		r.shapes[0] = r.stored(a)
		return r.keeps(0, a.place.axis, a.place)
	}
	return len(a.shape) > 1 && len(b.shape) > 1 && r.broadcast(2)
}

// rowsByWeights is Gemm's rule: the rows of A, in whatever order, by a shared B.
func rowsByWeights(r *rewriting) bool {
	a := &r.in[0]
	if !a.batched || a.place.axis != 0 || r.in[1].batched || r.def.Int("transA", 0) != 0 {
		return false
	}
	if c := r.in[2:]; len(c) > 0 && c[0].shape != nil && (c[0].batched || len(c[0].shape) > 1 && c[0].shape[0] != 1) {
		return false
	}
	r.shapes[0] = a.shape // the stored rows are as many, sample by sample
	return r.keeps(0, 0, a.place)
}

// recurrent binds a recurrent operator that reads steps first as one that reads samples
// first. Initial states of zero are left out, other shared ones are repeated.
func recurrent(r *rewriting) bool {
	x := &r.in[0]
	if !x.batched || r.def.Int("layout", 0) != 0 || x.place != (place{1, 1, 1}) {
		return false
	}
	r.node.SetAttr(onnx.Int("layout", 1))
	r.shapes[0] = r.stored(x)
	for i := range r.in {
		o := &r.in[i]
		switch {
		case i == 0 || o.shape == nil:
		case i != 5 && i != 6:
			if o.batched {
				return false
			}
		case o.batched:
			if o.place != (place{1, 1, 1}) {
				return false
			}
			r.shapes[i] = r.stored(o)
		case o.value != nil && zero(o.value):
			r.omit[i] = true
		case len(o.shape) == 3 && o.shape[1] == r.batch:
			r.enter[i] = o.shape[0]
			r.shapes[i] = []int{r.batch, o.shape[0], o.shape[2]}
		default:
			return false
		}
	}
	for i := range r.out {
		a := 1
		if i == 0 {
			a = 2
		}
		if !r.keeps(i, a, place{before: 1}) {
			return false
		}
	}
	return true
}

// zero says whether all numbers of a constant are zero.
func zero(t *onnx.Tensor) bool {
	v, err := onnx.Values[float64](t)
	return err == nil && !slices.ContainsFunc(v, func(x float64) bool { return x != 0 })
}

// alongAxis is the rule of operators along one axis that is not the samples'. Inputs
// of several, as those of Concat, have the samples at the same place.
func alongAxis(r *rewriting) bool {
	x := &r.in[0]
	def, name := int64(-1), "axis"
	switch r.def.OpType {
	case "Split":
		def = 0
	case "Softmax", "LogSoftmax":
		if r.opset < 13 {
			return false
		}
	case "CumSum":
		v, ok := r.list(1)
		if !ok || len(v) != 1 {
			return false
		}
		k, ok := axis(v[0], len(x.shape))
		if !ok || !x.batched {
			return false
		}
		to, ok := x.place.renumber(k, len(x.shape))
		if !ok {
			return false
		}
		r.shapes[0], r.values[1] = r.stored(x), onnx.NewInt64("", nil, []int64{to})
		return r.keeps(0, x.place.axis, x.place)
	}
	k, ok := axis(r.def.Int(name, def), len(x.shape))
	if !ok || !x.batched || !r.renumbered(name, k) {
		return false
	}
	for i := range r.in {
		o := &r.in[i]
		switch {
		case i > 0 && r.def.OpType != "Concat":
		case !o.batched || o.place.axis != x.place.axis || o.place.behind != x.place.behind || o.place.before != x.place.before:
			return false
		default:
			r.shapes[i] = r.stored(o)
		}
	}
	for i := range r.out {
		if !r.keeps(i, x.place.axis, x.place) {
			return false
		}
	}
	return true
}

// normalised is the rule of operators over the axes from axis on.
func normalised(r *rewriting) bool {
	x := &r.in[0]
	k, ok := axis(r.def.Int("axis", -1), len(x.shape))
	if !ok || !x.batched || k < x.place.axis || !r.renumbered("axis", k) {
		return false
	}
	for _, o := range r.in[1:] {
		if o.batched {
			return false
		}
	}
	r.shapes[0] = r.stored(x)
	for i := range r.out {
		if !r.keeps(i, x.place.axis, x.place) {
			return false
		}
	}
	return true
}

// list reads input i as constant numbers.
func (r *rewriting) list(i int) ([]int64, bool) {
	if i >= len(r.in) || r.in[i].value == nil {
		return nil, false
	}
	v, err := onnx.Values[int64](r.in[i].value)
	return v, err == nil
}

// reduced is the rule of reductions over axes other than the samples'.
func reduced(r *rewriting) bool {
	x := &r.in[0]
	rank := len(x.shape)
	over, given := r.list(1)
	asInput := given
	if !given {
		if over = r.def.Ints("axes", nil); over == nil {
			return false // all axes
		}
	}
	at := x.place.axis
	var to []int64
	for _, a := range over {
		k, ok := axis(a, rank)
		if !ok {
			return false
		}
		n, ok := x.place.renumber(k, rank)
		if !ok {
			return false
		}
		if k < x.place.axis && r.def.Int("keepdims", 1) == 0 {
			at--
		}
		to = append(to, n)
	}
	if len(to) == 0 {
		return false
	}
	if asInput {
		r.values[1] = onnx.NewInt64("", []int64{int64(len(to))}, to)
	} else {
		r.node.SetAttr(onnx.Ints("axes", to...))
	}
	r.shapes[0] = r.stored(x)
	return r.keeps(0, at, x.place)
}

// gathered takes shared positions of an axis that is not the samples'.
func gathered(r *rewriting) bool {
	x, positions := &r.in[0], &r.in[1]
	k, ok := axis(r.def.Int("axis", 0), len(x.shape))
	if !ok || !x.batched || positions.batched || !r.renumbered("axis", k) {
		return false
	}
	at := x.place.axis
	if k < at {
		at += len(positions.shape) - 1
	}
	r.shapes[0] = r.stored(x)
	return r.keeps(0, at, x.place)
}

// sliced cuts axes that are not the samples'.
func sliced(r *rewriting) bool {
	x := &r.in[0]
	var over []int64
	count := 0
	if r.opset < 10 {
		over, count = r.def.Ints("axes", nil), len(r.def.Ints("starts", nil))
	} else {
		starts, ok := r.list(1)
		if !ok {
			return false
		}
		count = len(starts)
		if len(r.in) > 3 && r.in[3].shape != nil {
			if over, ok = r.list(3); !ok {
				return false
			}
		}
	}
	if over == nil {
		for i := range count {
			over = append(over, int64(i))
		}
	}
	var to []int64
	for _, a := range over {
		k, ok := axis(a, len(x.shape))
		if !ok {
			return false
		}
		n, ok := x.place.renumber(k, len(x.shape))
		if !ok {
			return false
		}
		to = append(to, n)
	}
	if r.opset < 10 {
		r.node.SetAttr(onnx.Ints("axes", to...))
	} else {
		for len(r.values) < 4 {
			r.values = append(r.values, nil)
		}
		r.values[3] = onnx.NewInt64("", []int64{int64(len(to))}, to)
	}
	r.shapes[0] = r.stored(x)
	return r.keeps(0, x.place.axis, x.place)
}
