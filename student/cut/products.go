// SPDX-License-Identifier: Apache-2.0

package cut

import "github.com/kdcompress/kdcompress/onnx"

func init() {
	rules["Conv"] = rule{relate: conv, adjust: adjustGroups}
	rules["ConvTranspose"] = rule{relate: convTranspose}
	rules["Gemm"] = rule{relate: gemm}
	rules["MatMul"] = rule{relate: matmul}
}

// conv joins the channels of data and filters. Of a grouped convolution with
// several channels a group, the same positions go in every group, so that the
// groups stay equal; of a depthwise one, whole groups go.
func conv(c *classes, n *onnx.Node) {
	x, w, y := n.Inputs[0], n.Inputs[1], n.Outputs[0]
	c.same(x, 0, y, 0)
	for d := 2; d < len(c.shape(x)); d++ {
		c.freeze(x, d)
		c.freeze(y, d)
		c.freeze(w, d)
	}
	c.same(w, 0, y, 1)
	if len(n.Inputs) > 2 && n.Inputs[2] != "" {
		c.same(n.Inputs[2], 0, y, 1)
	}
	in, inner, out := c.at(x, 1), c.at(w, 1), c.at(y, 1)
	switch group := int(n.Int("group", 1)); {
	case group == 1:
		c.same(x, 1, w, 1)
		c.contract(w, 1)
	case len(inner) == 1:
		each := len(out) / group
		for i := range out {
			c.join(out[i], in[i/each])
		}
	default:
		a, b := len(inner), len(out)/group
		for i := range in {
			c.join(in[i], inner[i%a])
		}
		for i := range out {
			c.join(out[i], out[i%b])
		}
		c.contract(w, 1)
	}
}

// contract notes that a product sums over an axis of a weight.
func (c *classes) contract(w string, dim int) {
	if c.weights[w] != nil {
		c.contracted = append(c.contracted, axis{w, dim})
	}
}

// adjustGroups counts the groups of a depthwise convolution again.
func adjustGroups(x *removal, n *onnx.Node) {
	if group := n.Int("group", 1); group > 1 && x.c.shape(n.Inputs[1])[1] == 1 {
		n.SetAttr(onnx.Int("group", int64(x.size(axis{n.Inputs[0], 1}))))
	}
}

// convTranspose joins channels where there is one group.
func convTranspose(c *classes, n *onnx.Node) {
	if n.Int("group", 1) != 1 {
		c.freezeNode(n)
		return
	}
	x, w, y := n.Inputs[0], n.Inputs[1], n.Outputs[0]
	c.same(x, 0, y, 0)
	c.same(x, 1, w, 0)
	c.same(w, 1, y, 1)
	c.contract(w, 0)
	if len(n.Inputs) > 2 && n.Inputs[2] != "" {
		c.same(n.Inputs[2], 0, y, 1)
	}
	for d := 2; d < len(c.shape(x)); d++ {
		c.freeze(x, d)
		c.freeze(y, d)
		c.freeze(w, d)
	}
}

func gemm(c *classes, n *onnx.Node) {
	a, b, y := n.Inputs[0], n.Inputs[1], n.Outputs[0]
	m, k := 0, 1
	if n.Int("transA", 0) != 0 {
		m, k = k, m
	}
	kb, nb := 0, 1
	if n.Int("transB", 0) != 0 {
		kb, nb = nb, kb
	}
	c.same(a, m, y, 0)
	c.same(a, k, b, kb)
	c.same(b, nb, y, 1)
	c.contract(a, k)
	c.contract(b, kb)
	if len(n.Inputs) > 2 && n.Inputs[2] != "" {
		broadcast(c, &onnx.Node{Inputs: n.Inputs[2:3], Outputs: n.Outputs[:1]})
	}
}

// matmul joins the axes of numpy's matrix product of two operands of rank 2 or more.
func matmul(c *classes, n *onnx.Node) {
	a, b, y := n.Inputs[0], n.Inputs[1], n.Outputs[0]
	ra, rb, ry := len(c.shape(a)), len(c.shape(b)), len(c.shape(y))
	if ra < 2 || rb < 2 {
		c.freezeNode(n)
		return
	}
	c.same(a, ra-1, b, rb-2)
	c.same(a, ra-2, y, ry-2)
	c.same(b, rb-1, y, ry-1)
	c.contract(a, ra-1)
	c.contract(b, rb-2)
	for _, in := range []string{a, b} {
		s, rank := c.shape(in), len(c.shape(in))
		for d := range rank - 2 {
			if o := ry - rank + d; s[d] == c.shape(y)[o] {
				c.same(in, d, y, o)
			} else {
				c.freeze(in, d)
			}
		}
	}
}
