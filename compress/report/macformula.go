// SPDX-License-Identifier: Apache-2.0

package report

import "github.com/kdcompress/kdcompress/onnx"

// A macFormula counts a node's multiply-accumulates from the shapes of its
// operands; ok is false where they do not fit the operator.
type macFormula func(n *onnx.Node, shapes map[string][]int64) (count int64, ok bool)

// macFormulas holds the operators that are counted.
var macFormulas = map[string]macFormula{
	"Conv":          convMACs(1),
	"ConvInteger":   convMACs(1),
	"QLinearConv":   convMACs(3),
	"ConvTranspose": convTransposeMACs,
	"Gemm":          gemmMACs,
	"QGemm":         gemmMACs,
	"MatMul":        matMulMACs,
	"MatMulInteger": matMulMACs,
	"QLinearMatMul": matMulMACs,
	"LSTM":          recurrentMACs,
	"GRU":           recurrentMACs,
	"RNN":           recurrentMACs,
}

// convMACs: every output element sums over the kernel and the channels of its
// group, which are the weight's dimensions but the first.
func convMACs(weight int) macFormula {
	return func(n *onnx.Node, shapes map[string][]int64) (int64, bool) {
		w := operand(n, shapes, weight)
		if len(w) < 3 {
			return 0, false
		}
		return product(shapes[n.Outputs[0]]) * product(w[1:]), true
	}
}

// convTransposeMACs: every input element is spread over the kernel and the
// output channels of its group, the weight's dimensions but the first.
func convTransposeMACs(n *onnx.Node, shapes map[string][]int64) (int64, bool) {
	x, w := operand(n, shapes, 0), operand(n, shapes, 1)
	if len(x) < 3 || len(w) < 3 {
		return 0, false
	}
	return product(x) * product(w[1:]), true
}

// gemmMACs: rows times columns times the inner dimension.
func gemmMACs(n *onnx.Node, shapes map[string][]int64) (int64, bool) {
	a := operand(n, shapes, 0)
	if len(a) != 2 {
		return 0, false
	}
	inner := a[1]
	if n.Int("transA", 0) != 0 {
		inner = a[0]
	}
	return product(shapes[n.Outputs[0]]) * inner, true
}

// matMulMACs: output elements times the inner dimension, the last of the first
// operand.
func matMulMACs(n *onnx.Node, shapes map[string][]int64) (int64, bool) {
	a := operand(n, shapes, 0)
	if len(a) == 0 {
		return 0, false
	}
	return product(shapes[n.Outputs[0]]) * a[len(a)-1], true
}

// recurrentMACs: each position of each sequence meets both weight matrices of
// each direction once.
func recurrentMACs(n *onnx.Node, shapes map[string][]int64) (int64, bool) {
	x, w, r := operand(n, shapes, 0), operand(n, shapes, 1), operand(n, shapes, 2)
	if len(x) != 3 || len(w) != 3 || len(r) != 3 {
		return 0, false
	}
	return x[0] * x[1] * (product(w) + product(r)), true
}

func operand(n *onnx.Node, shapes map[string][]int64, i int) []int64 {
	if i >= len(n.Inputs) {
		return nil
	}
	return shapes[n.Inputs[i]]
}

func product(dims []int64) int64 {
	p := int64(1)
	for _, d := range dims {
		p *= d
	}
	return p
}
