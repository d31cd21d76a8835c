// SPDX-License-Identifier: Apache-2.0

package cut

import (
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// rule says what an operator makes of the axes of its operands.
type rule struct {
	// relate joins the atoms that go together and freezes those that must stay.
	relate func(c *classes, n *onnx.Node)
	// adjust changes the node's attributes and constants where its operands lost
	// positions; nil where nothing has to change.
	adjust func(x *removal, n *onnx.Node)
}

// rules are the operators through which channels are followed; any other freezes
// what it touches.
var rules = map[string]rule{}

func init() {
	for _, op := range []string{
		"Abs", "Add", "And", "Cast", "Ceil", "Celu", "Clip", "Cos", "Div", "Dropout", "Elu", "Equal", "Erf", "Exp", "Floor", "Gelu",
		"Greater", "GreaterOrEqual", "HardSigmoid", "HardSwish", "Identity", "LeakyRelu", "Less", "LessOrEqual", "Log", "Max", "Mean",
		"Min", "Mish", "Mul", "Neg", "Not", "Or", "PRelu", "Pow", "Reciprocal", "Relu", "Round", "Selu", "Sigmoid", "Sign", "Sin",
		"Softplus", "Softsign", "Sqrt", "Sub", "Sum", "Swish", "Tanh", "ThresholdedRelu", "Where", "Xor",
	} {
		rules[op] = rule{relate: broadcast}
	}
	for _, op := range []string{"AveragePool", "GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool", "LpPool", "MaxPool"} {
		rules[op] = rule{relate: pooled}
	}
	for _, op := range []string{"ReduceMean", "ReduceSum"} {
		rules[op] = rule{relate: reduced}
	}
	for _, op := range []string{"Softmax", "LogSoftmax"} {
		rules[op] = rule{relate: softmax}
	}
	for _, op := range []string{"BatchNormalization", "InstanceNormalization"} {
		rules[op] = rule{relate: channelNorm}
	}
	for _, op := range []string{"LayerNormalization", "RMSNormalization"} {
		rules[op] = rule{relate: lastNorm}
	}
	rules["Expand"] = rule{relate: expanded}
	rules["Gather"] = rule{relate: gather}
	rules["Resize"] = rule{relate: resized}
	rules["Upsample"] = rule{relate: resized}
	rules["Pad"] = rule{relate: padded}
}

// broadcast joins axes as numpy aligns them, from the back.
func broadcast(c *classes, n *onnx.Node) {
	for _, out := range n.Outputs {
		s := c.shape(out)
		if out == "" || s == nil {
			continue
		}
		for _, in := range n.Inputs {
			if in == "" {
				continue
			}
			x := c.shape(in)
			for d := range x {
				if o := len(s) - len(x) + d; o >= 0 && x[d] == s[o] {
					c.same(in, d, out, o)
				} else {
					c.freeze(in, d)
				}
			}
		}
	}
}

// pooled joins samples and channels; places stay.
func pooled(c *classes, n *onnx.Node) {
	x, y := n.Inputs[0], n.Outputs[0]
	c.same(x, 0, y, 0)
	c.same(x, 1, y, 1)
	for d := 2; d < len(c.shape(x)); d++ {
		c.freeze(x, d)
		c.freeze(y, d)
	}
	for _, o := range n.Outputs[1:] {
		c.freezeAll(o) // positions of a MaxPool count through the channels
	}
}

// axesOf are the axes an operator lists in an attribute or, in newer operator sets,
// in an operand; ok is false where that is not known.
func (c *classes) axesOf(n *onnx.Node, operand, rank int) (axes []int, ok bool) {
	list := n.Ints("axes", nil)
	if list == nil && len(n.Inputs) > operand && n.Inputs[operand] != "" {
		v, known := c.ints(n.Inputs[operand])
		if !known {
			return nil, false
		}
		list = v
	}
	for _, a := range list {
		if a < 0 {
			a += int64(rank)
		}
		axes = append(axes, int(a))
	}
	return axes, true
}

// ints is the value of a tensor of whole numbers that is the same for all samples.
func (c *classes) ints(name string) ([]int64, bool) {
	t := c.weights[name]
	if t == nil {
		t = c.plan.Constant(name)
	}
	if t == nil {
		return nil, false
	}
	v, err := onnx.Values[int64](t)
	return v, err == nil
}

// reduced joins the axes that stay.
func reduced(c *classes, n *onnx.Node) {
	x, y := n.Inputs[0], n.Outputs[0]
	rank := len(c.shape(x))
	axes, ok := c.axesOf(n, 1, rank)
	if !ok || axes == nil {
		c.freezeNode(n)
		return
	}
	o := 0
	for d := range rank {
		if slices.Contains(axes, d) {
			o += int(n.Int("keepdims", 1))
			continue
		}
		c.same(x, d, y, o)
		o++
	}
}

// softmax stays as it is along its axis.
func softmax(c *classes, n *onnx.Node) {
	broadcast(c, n)
	rank := len(c.shape(n.Inputs[0]))
	first, last := int(n.Int("axis", -1)), 0
	if c.opset < 13 {
		first = int(n.Int("axis", 1))
	}
	if first < 0 {
		first += rank
	}
	if last = first; c.opset < 13 {
		last = rank - 1
	}
	for d := first; d <= last; d++ {
		c.freeze(n.Inputs[0], d)
	}
}

// channelNorm joins axis 1 with the parameters.
func channelNorm(c *classes, n *onnx.Node) {
	broadcast(c, &onnx.Node{Inputs: n.Inputs[:1], Outputs: n.Outputs[:1]})
	for _, p := range n.Inputs[1:] {
		c.same(n.Inputs[0], 1, p, 0)
	}
}

// lastNorm joins the normalised axes with the parameters. What goes changes the
// statistics of what stays, as in other works that narrow such nets.
func lastNorm(c *classes, n *onnx.Node) {
	if len(n.Outputs) > 1 {
		c.freezeNode(n)
		return
	}
	broadcast(c, n)
}

// expanded joins the axes that the shape leaves to the operand; others stay.
func expanded(c *classes, n *onnx.Node) {
	x, y := n.Inputs[0], n.Outputs[0]
	a, b := c.shape(x), c.shape(y)
	to, ok := c.ints(n.Inputs[1])
	if !ok {
		c.freezeNode(n)
		return
	}
	for o := range b {
		d, s := o-(len(b)-len(a)), o-(len(b)-len(to))
		switch {
		case d >= 0 && (s < 0 || to[s] == 1):
			c.same(x, d, y, o)
		case d >= 0:
			c.freeze(x, d)
			c.freeze(y, o)
		default:
			c.freeze(y, o)
		}
	}
}

// gather joins the axes beside the gathered one, which stays.
func gather(c *classes, n *onnx.Node) {
	x, idx, y := n.Inputs[0], n.Inputs[1], n.Outputs[0]
	rank, more := len(c.shape(x)), len(c.shape(idx))
	at := int(n.Int("axis", 0))
	if at < 0 {
		at += rank
	}
	for d := range rank {
		switch {
		case d < at:
			c.same(x, d, y, d)
		case d > at:
			c.same(x, d, y, d+more-1)
		}
	}
	c.freeze(x, at)
	for d := range more {
		c.same(idx, d, y, at+d)
	}
}

// resized joins samples and channels where those are not resized.
func resized(c *classes, n *onnx.Node) {
	x, y := n.Inputs[0], n.Outputs[0]
	for d := range c.shape(x) {
		if d == 1 && len(n.Inputs) > 3 && n.Inputs[3] != "" {
			c.freeze(x, d) // sizes name the number of channels
		}
		if d < 2 {
			c.same(x, d, y, d)
			continue
		}
		c.freeze(x, d)
		c.freeze(y, d)
	}
}

// padded joins the axes that get no padding.
func padded(c *classes, n *onnx.Node) {
	x, y := n.Inputs[0], n.Outputs[0]
	if len(n.Inputs) > 3 && n.Inputs[3] != "" {
		c.freezeNode(n)
		return
	}
	a, b := c.shape(x), c.shape(y)
	for d := range a {
		if a[d] != b[d] {
			c.freeze(x, d)
			c.freeze(y, d)
			continue
		}
		c.same(x, d, y, d)
	}
}
