// SPDX-License-Identifier: Apache-2.0

package cut

import (
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

func init() {
	rules["Transpose"] = rule{relate: transposed}
	rules["Squeeze"] = rule{relate: reshaped}
	rules["Unsqueeze"] = rule{relate: reshaped}
	rules["Flatten"] = rule{relate: reshaped}
	rules["Reshape"] = rule{relate: reshaped, adjust: adjustReshape}
	rules["Concat"] = rule{relate: concat}
	rules["Split"] = rule{relate: split, adjust: adjustSplit}
	rules["Slice"] = rule{relate: sliced, adjust: adjustSlice}
}

func transposed(c *classes, n *onnx.Node) {
	x, y := n.Inputs[0], n.Outputs[0]
	rank := len(c.shape(x))
	perm := n.Ints("perm", nil)
	for o := range rank {
		d := rank - 1 - o
		if perm != nil {
			d = int(perm[o])
		}
		c.same(x, d, y, o)
	}
}

// merge is a part of a reshape in which several axes become one, or one becomes
// several: parts is the several, in order.
type merge struct {
	parts []axis
	whole axis
}

// reshaped matches runs of axes with the same number of elements.
func reshaped(c *classes, n *onnx.Node) {
	x, y := n.Inputs[0], n.Outputs[0]
	a, b := c.shape(x), c.shape(y)
	for i, j := 0, 0; i < len(a) || j < len(b); {
		i0, j0 := i, j
		pa, pb := 1, 1
		if i < len(a) {
			pa = a[i]
			i++
		}
		if j < len(b) {
			pb = b[j]
			j++
		}
		for pa != pb {
			switch {
			case pa < pb && i < len(a):
				pa *= a[i]
				i++
			case pa > pb && j < len(b):
				pb *= b[j]
				j++
			default: // a dimension of 0
				c.freezeNode(n)
				return
			}
		}
		for i < len(a) && a[i] == 1 && (j == len(b) || b[j] != 1) {
			i++
		}
		for j < len(b) && b[j] == 1 && (i == len(a) || a[i] != 1) {
			j++
		}
		c.run(x, i0, i, y, j0, j)
	}
}

// run relates axes i0 to i1 of x with axes j0 to j1 of y.
func (c *classes) run(x string, i0, i1 int, y string, j0, j1 int) {
	wide := func(t string, lo, hi int) []axis {
		var list []axis
		for d := lo; d < hi; d++ {
			if c.shape(t)[d] > 1 {
				list = append(list, axis{t, d})
			}
		}
		return list
	}
	p, q := wide(x, i0, i1), wide(y, j0, j1)
	switch {
	case len(p) == 1 && len(q) == 1:
		c.same(p[0].tensor, p[0].dim, q[0].tensor, q[0].dim)
	case len(q) == 1 && len(p) > 1:
		c.merges = append(c.merges, merge{p, q[0]})
	case len(p) == 1 && len(q) > 1:
		c.merges = append(c.merges, merge{q, p[0]})
	default:
		for _, a := range slices.Concat(p, q) {
			c.freeze(a.tensor, a.dim)
		}
	}
}

// merge lets one of the parts lose positions, and with each position all places of
// the whole that have it; the other parts stay. It is the first part that is free
// and has more than a few positions: channels before places, heads before what is
// inside a head.
func (c *classes) merge(x merge) {
	pick := -1
	for i, p := range x.parts {
		if n := len(c.at(p.tensor, p.dim)); c.free(p.tensor, p.dim) && (pick < 0 || n >= 4 && len(c.at(x.parts[pick].tensor, x.parts[pick].dim)) < 4) {
			pick = i
		}
	}
	stride := 1
	for i, p := range slices.Backward(x.parts) {
		list := c.at(p.tensor, p.dim)
		if i != pick {
			if i > pick {
				stride *= len(list)
			}
			c.freeze(p.tensor, p.dim)
		}
	}
	whole := c.at(x.whole.tensor, x.whole.dim)
	if pick < 0 {
		c.freeze(x.whole.tensor, x.whole.dim)
		return
	}
	list := c.at(x.parts[pick].tensor, x.parts[pick].dim)
	for i, w := range whole {
		c.join(w, list[i/stride%len(list)])
	}
}

// adjustReshape writes the sizes that are left into the constant shape. A shape
// that the graph computes becomes a constant, as far as it names other sizes than
// the input has: the sizes it was computed from may have changed.
func adjustReshape(x *removal, n *onnx.Node) {
	in, out := n.Inputs[0], n.Outputs[0]
	was, to := x.c.shape(in), x.c.shape(out)
	fixed := x.c.weights[n.Inputs[1]] != nil
	if !x.touches(in) && !x.touches(out) && (fixed || !x.c.computed(n.Inputs[1])) {
		return
	}
	old, ok := x.c.ints(n.Inputs[1])
	if !ok || len(old) != len(to) {
		x.fail(n, "its shape is not a constant")
		return
	}
	shape := make([]int64, len(to))
	free := slices.Contains(old, -1) // one size follows from the others already
	for d := range to {
		size := int64(x.size(axis{out, d}))
		switch {
		case old[d] < 0 || fixed && old[d] == 0:
			shape[d] = old[d]
		case !fixed && d < len(was) && was[d] == to[d] && size == int64(to[d]):
			shape[d] = 0
		case !fixed && d == 0 && !free: // the samples, with what else is in their axis
			shape[d] = -1
		default:
			shape[d] = size
		}
	}
	if !fixed {
		n.Attrs = slices.DeleteFunc(n.Attrs, func(a onnx.Attr) bool { return a.Name == "allowzero" })
	}
	n.Inputs[1] = x.b.Int64(n.Inputs[1], []int64{int64(len(shape))}, shape)
}

// concat joins the axes beside the joined one, and each part of that with its
// stretch of the result.
func concat(c *classes, n *onnx.Node) {
	y := n.Outputs[0]
	rank := len(c.shape(y))
	at := int(n.Int("axis", 1))
	if at < 0 {
		at += rank
	}
	whole := c.at(y, at)
	for _, in := range n.Inputs {
		for d := range rank {
			if d != at {
				c.same(in, d, y, d)
			}
		}
		part := c.at(in, at)
		for i := range part {
			c.join(part[i], whole[i])
		}
		whole = whole[len(part):]
	}
}

// split is concat the other way round.
func split(c *classes, n *onnx.Node) {
	x := n.Inputs[0]
	rank := len(c.shape(x))
	at := int(n.Int("axis", 0))
	if at < 0 {
		at += rank
	}
	whole := c.at(x, at)
	for _, out := range n.Outputs {
		if out == "" || c.shape(out) == nil {
			c.freezeNode(n)
			return
		}
		for d := range rank {
			if d != at {
				c.same(x, d, out, d)
			}
		}
		part := c.at(out, at)
		for i := range part {
			c.join(part[i], whole[i])
		}
		whole = whole[len(part):]
	}
}

func adjustSplit(x *removal, n *onnx.Node) {
	if !x.touches(n.Inputs[0]) {
		return
	}
	at := int(n.Int("axis", 0))
	if at < 0 {
		at += len(x.c.shape(n.Inputs[0]))
	}
	var sizes []int64
	for _, out := range n.Outputs {
		sizes = append(sizes, int64(x.size(axis{out, at})))
	}
	n.Attrs = slices.DeleteFunc(n.Attrs, func(a onnx.Attr) bool { return a.Name == "split" || a.Name == "num_outputs" })
	if x.c.opset < 13 {
		n.SetAttr(onnx.Ints("split", sizes...))
		return
	}
	n.Inputs = append(n.Inputs[:1], x.b.Int64("split", []int64{int64(len(sizes))}, sizes))
}

// bounds reads the constants of a Slice: for each axis of the data its first
// position, end and step.
func (c *classes) bounds(n *onnx.Node) (axes []int, lists [3][]int64, ok bool) {
	x := n.Inputs[0]
	names := [4]string{"starts", "ends", "axes", "steps"}
	var v [4][]int64
	for i := range v {
		if c.opset < 10 {
			v[i] = n.Ints(names[i], nil)
		} else if len(n.Inputs) > i+1 && n.Inputs[i+1] != "" {
			var known bool
			if v[i], known = c.ints(n.Inputs[i+1]); !known {
				return nil, lists, false
			}
		}
	}
	for i := range v[0] {
		d := int64(i)
		if v[2] != nil {
			d = v[2][i]
		}
		if d < 0 {
			d += int64(len(c.shape(x)))
		}
		step := int64(1)
		if v[3] != nil {
			step = v[3][i]
		}
		size := int64(c.shape(x)[d])
		lo, hi := v[0][i], v[1][i]
		if lo < 0 {
			lo += size
		}
		if hi < 0 {
			hi += size
		}
		axes = append(axes, int(d))
		lists[0] = append(lists[0], min(max(lo, 0), size))
		lists[1] = append(lists[1], min(max(hi, 0), size))
		lists[2] = append(lists[2], step)
	}
	return axes, lists, true
}

// sliced joins a stretch with the result.
func sliced(c *classes, n *onnx.Node) {
	x, y := n.Inputs[0], n.Outputs[0]
	axes, v, ok := c.bounds(n)
	if !ok {
		c.freezeNode(n)
		return
	}
	for d := range c.shape(x) {
		i := slices.Index(axes, d)
		switch {
		case i < 0:
			c.same(x, d, y, d)
		case v[2][i] != 1 || len(c.at(y, d)) != int(v[1][i]-v[0][i]):
			c.freeze(x, d)
			c.freeze(y, d)
		default:
			part, whole := c.at(y, d), c.at(x, d)
			for k := range part {
				c.join(part[k], whole[int(v[0][i])+k])
			}
		}
	}
}

func adjustSlice(x *removal, n *onnx.Node) {
	in := n.Inputs[0]
	if !x.touches(in) {
		return
	}
	axes, v, ok := x.c.bounds(n)
	if !ok {
		return
	}
	changed := false
	for i, d := range axes {
		keep := x.keep[axis{in, d}]
		if keep == nil {
			continue
		}
		changed = true
		lo, hi := int64(0), int64(0)
		for _, k := range keep {
			if int64(k) < v[0][i] {
				lo++
			}
			if int64(k) < v[1][i] {
				hi++
			}
		}
		v[0][i], v[1][i] = lo, hi
	}
	if !changed {
		return
	}
	if x.c.opset < 10 {
		n.SetAttr(onnx.Ints("starts", v[0]...))
		n.SetAttr(onnx.Ints("ends", v[1]...))
		return
	}
	dims := []int64{int64(len(axes))}
	n.Inputs[1], n.Inputs[2] = x.b.Int64("starts", dims, v[0]), x.b.Int64("ends", dims, v[1])
}
