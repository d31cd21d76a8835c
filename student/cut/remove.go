// SPDX-License-Identifier: Apache-2.0

package cut

import (
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// removal takes classes out of a graph.
type removal struct {
	c *classes
	b *onnx.Builder
	// keep lists the positions that stay of every axis that loses some.
	keep map[axis][]int
	err  error
}

// remove takes the classes of the given roots out of the graph that c describes:
// weights are sliced, and constants that name sizes are rewritten. Nodes and
// weights change in place.
func (c *classes) remove(gone map[int]bool) (*removal, error) {
	x := &removal{c: c, b: onnx.NewBuilder(c.g, ""), keep: map[axis][]int{}}
	for _, a := range c.axes() {
		list := c.lists[a]
		var keep []int
		for i, atom := range list {
			if !gone[c.root(atom)] {
				keep = append(keep, i)
			}
		}
		if len(keep) == 0 {
			return nil, fmt.Errorf("nothing would be left of dimension %d of %q", a.dim, a.tensor)
		}
		if len(keep) < len(list) {
			x.keep[a] = keep
		}
	}
	for _, n := range c.g.Nodes {
		if r := rules[n.OpType]; r.adjust != nil && c.bound(n) {
			r.adjust(x, n)
		}
	}
	for _, t := range slices.Clone(c.g.Initializers) {
		for d := range t.Dims {
			if keep := x.keep[axis{t.Name, d}]; keep != nil {
				slice(t, d, keep)
			}
		}
	}
	return x, x.err
}

// fail notes that a node cannot be adjusted; the first such note stays.
func (x *removal) fail(n *onnx.Node, why string) {
	if x.err == nil {
		x.err = &onnx.Error{Node: n.Name, Op: n.OpType, Err: fmt.Errorf("its operands lose channels, but %s", why)}
	}
}

// size is the number of positions that stay of an axis.
func (x *removal) size(a axis) int {
	if keep := x.keep[a]; keep != nil {
		return len(keep)
	}
	return x.c.shape(a.tensor)[a.dim]
}

// touches says whether a tensor loses anything.
func (x *removal) touches(name string) bool {
	for d := range x.c.shape(name) {
		if x.keep[axis{name, d}] != nil {
			return true
		}
	}
	return false
}

// slice leaves the listed positions of a dimension of a tensor.
func slice(t *onnx.Tensor, dim int, keep []int) {
	inner := t.Type.Size()
	for _, d := range t.Dims[dim+1:] {
		inner *= int(d)
	}
	row := inner * int(t.Dims[dim])
	var data []byte
	for at := 0; at < len(t.Data); at += row {
		for _, k := range keep {
			data = append(data, t.Data[at+k*inner:at+(k+1)*inner]...)
		}
	}
	t.Dims[dim], t.Data = int64(len(keep)), data
}
