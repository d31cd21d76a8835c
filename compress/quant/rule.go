// SPDX-License-Identifier: Apache-2.0

package quant

import "github.com/kdcompress/kdcompress/onnx"

// role is what integers do for an operator.
type role int

const (
	// product: a weighted sum with constant weights, where the time goes.
	product role = iota
	// arithmetic: computes new values from integers that are there already.
	arithmetic
	// movement: hands integers on unchanged, under the scale of its input.
	movement
)

// rule says how ONNX Runtime computes an operator on 8-bit integers.
type rule struct {
	Op   string
	Role role
	// Since is the first opset whose form of the operator takes integers.
	Since int64
	// Fused are the operators of ONNX Runtime's optimised graph that show that the
	// node computes with integers; none for movement, which keeps its own.
	Fused []string
	// Data counts the leading operands that are activations; 0 is all of them.
	Data int
	// Output says that a product is computed with integers only if its output is
	// quantized too.
	Output bool
	// Fits says why a node stays in float, "" if it need not.
	Fits func(w *wiring, n *onnx.Node) string
	// Axis is the output channels' axis of a product's weights.
	Axis func(n *onnx.Node) int
}

var rules = map[string]*rule{}

// rules are added by package-level variables of this package.
func addRule(r rule) *rule {
	if rules[r.Op] != nil {
		panic("quant: two rules for " + r.Op)
	}
	rules[r.Op] = &r
	return &r
}

// ruleFor is the rule that the node's operator has in this opset, nil if none.
func ruleFor(w *wiring, n *onnx.Node) *rule {
	r := rules[n.OpType]
	if r == nil || !standard(n) || w.opset < r.Since || len(n.Outputs) != 1 {
		return nil
	}
	return r
}

// data are the node's activation operands, with their positions.
func (r *rule) data(w *wiring, n *onnx.Node) map[int]string {
	d := map[int]string{}
	for i, in := range n.Inputs {
		if in != "" && (r.Data == 0 || i < r.Data) {
			d[i] = in
		}
	}
	return d
}
