// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// spelledSigmoid recognises Sigmoid and its spellings 1 / (1 + Exp(-z)), with Div
// or Reciprocal. It returns z and the nodes, or "".
func (f finder) spelledSigmoid(n *onnx.Node) (logits string, nodes []*onnx.Node) {
	if !standard(n) {
		return "", nil
	}
	var under string
	switch {
	case n.OpType == "Sigmoid":
		return n.Inputs[0], []*onnx.Node{n}
	case n.OpType == "Reciprocal":
		under = n.Inputs[0]
	case n.OpType == "Div" && len(n.Inputs) == 2 && f.one(n.Inputs[0]):
		under = n.Inputs[1]
	default:
		return "", nil
	}
	add := f.node(under, "Add", 2)
	if add == nil {
		return "", nil
	}
	e := add.Inputs[0]
	if f.one(e) {
		e = add.Inputs[1]
	} else if !f.one(add.Inputs[1]) {
		return "", nil
	}
	exp := f.node(e, "Exp", 1)
	if exp == nil {
		return "", nil
	}
	neg := f.node(exp.Inputs[0], "Neg", 1)
	if neg == nil {
		return "", nil
	}
	return neg.Inputs[0], []*onnx.Node{n, add, exp, neg}
}

// node is the standard node of an operator that computes a tensor, nil if it is
// another or has another number of inputs.
func (f finder) node(tensor, op string, inputs int) *onnx.Node {
	n := f.producers[tensor]
	if n == nil || n.OpType != op || !standard(n) || len(n.Inputs) != inputs {
		return nil
	}
	return n
}

// one says whether a tensor is the constant 1.
func (f finder) one(tensor string) bool {
	t := constant(f.m.Graph, tensor)
	if t == nil || t.Len() != 1 {
		return false
	}
	v, err := onnx.Values[float64](t)
	return err == nil && v[0] == 1
}

// lengths are the operators a length is made with.
var lengths = []string{"ReduceL2", "ReduceSum", "ReduceSumSquare", "Mul", "Pow", "Sqrt", "Abs", "Max", "Clip", "Add", "Expand", "Shape",
	"Unsqueeze", "ConstantOfShape", "Where", "Equal", "Identity", "Cast"}

// byLength recognises x / f(x) where f makes a length of x and constants, with a
// guard against zero or without. It returns the nodes, the Div first, or nil.
func (f finder) byLength(div *onnx.Node) []*onnx.Node {
	if len(div.Inputs) != 2 {
		return nil
	}
	x, nodes := div.Inputs[0], []*onnx.Node{div}
	reduces := false
	var walk func(tensor string) bool
	walk = func(tensor string) bool {
		if tensor == x || tensor == "" || constant(f.m.Graph, tensor) != nil {
			return true
		}
		n := f.producers[tensor]
		if n == nil || !standard(n) || !slices.Contains(lengths, n.OpType) || len(nodes) > 16 {
			return false
		}
		if slices.Contains(nodes, n) {
			return true
		}
		nodes = append(nodes, n)
		switch n.OpType {
		case "ReduceL2", "ReduceSumSquare":
			reduces = true
		case "ReduceSum":
			square := f.producers[n.Inputs[0]]
			reduces = reduces || square != nil && (square.OpType == "Mul" || square.OpType == "Pow" || square.OpType == "Abs")
		}
		return !slices.ContainsFunc(n.Inputs, func(in string) bool { return !walk(in) })
	}
	if !walk(div.Inputs[1]) || !reduces {
		return nil
	}
	return nodes
}
