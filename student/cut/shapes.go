// SPDX-License-Identifier: Apache-2.0

package cut

import (
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// shapeOf freezes the dimensions of a Shape's operand whose sizes reach anything but
// the shape of a Reshape, which is written anew where something goes.
func (c *classes) shapeOf(n *onnx.Node) {
	sizes := make([]int, len(c.shape(n.Inputs[0])))
	for i := range sizes {
		sizes[i] = i
	}
	lo, hi := place(n.Int("start", 0), len(sizes)), place(n.Int("end", int64(len(sizes))), len(sizes))
	for _, d := range c.misread(n.Outputs[0], sizes[lo:max(lo, hi)]) {
		c.freeze(n.Inputs[0], d)
	}
}

// place is a position as Slice reads it, from the back where negative.
func place(at int64, n int) int {
	if at < 0 {
		at += int64(n)
	}
	return int(min(max(at, 0), int64(n)))
}

// misread lists the dims, of those whose sizes a tensor holds, that are read by
// something else than nodes that pick sizes and put them together for a Reshape.
func (c *classes) misread(sizes string, dims []int) []int {
	var list []int
	for _, n := range c.g.Nodes {
		if !slices.Contains(n.Reads(), sizes) {
			continue
		}
		switch picked := c.picks(n, sizes, dims); {
		case n.OpType == "Reshape" && n.Inputs[0] != sizes:
		case picked != nil:
			list = append(list, c.misread(n.Outputs[0], picked)...)
		default:
			list = append(list, dims...)
		}
	}
	if slices.ContainsFunc(c.g.Outputs, func(v *onnx.Value) bool { return v.Name == sizes }) {
		list = append(list, dims...)
	}
	return list
}

// picks lists the dims whose sizes a node that reads sizes passes on unchanged, nil
// where it does something else with them.
func (c *classes) picks(n *onnx.Node, sizes string, dims []int) []int {
	if n.Inputs[0] != sizes && n.OpType != "Concat" {
		return nil
	}
	switch n.OpType {
	case "Cast", "Concat", "Identity", "Squeeze", "Unsqueeze":
		return dims
	case "Gather":
		idx, ok := c.ints(n.Inputs[1])
		if !ok || len(c.shape(sizes)) != 1 {
			return nil
		}
		picked := []int{}
		for _, i := range idx {
			if at := place(i, c.shape(sizes)[0]); c.shape(sizes)[0] == len(dims) && at < len(dims) {
				picked = append(picked, dims[at])
			} else { // among other numbers: which one is not followed
				return dims
			}
		}
		return picked
	case "Slice":
		axes, v, ok := c.bounds(n)
		if !ok || len(axes) != 1 || v[2][0] != 1 || c.shape(sizes)[0] != len(dims) {
			return nil
		}
		return append([]int{}, dims[v[0][0]:max(v[0][0], v[1][0])]...)
	}
	return nil
}

// computed says whether a shape is computed from sizes of tensors in the graph.
func (c *classes) computed(shape string) bool {
	for _, n := range c.g.Nodes {
		if slices.Contains(n.Outputs, shape) {
			return n.OpType == "Shape" || slices.ContainsFunc(n.Inputs, c.computed)
		}
	}
	return false
}
