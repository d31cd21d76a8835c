// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/op"
)

// A recurrent net reads its steps first: a Transpose brings [N, T, F] to [T, N, F], and
// the samples are no longer blocks of the tensor. The engine keeps such a tensor sample
// by sample all the same. In row-major order a tensor of the graph is
//
//	lead x N x rest
//
// with the samples along N; stored is N x lead x rest. A Transpose that only moves the
// batch is then a view, a Reshape keeps lead whatever it does to the axes, and an
// operator that works along other axes than the batch's is bound to the stored shape,
// with its axes renumbered. What no rule of this file covers gets the tensor in the
// graph's order, on the whole batch at once.
//
// inner describes a batched tensor whose first axis does not count samples.
type inner struct {
	shape []int // in the graph
	lead  int
}

// place is where the samples are among the axes of a shape: the size of an axis is
// before*N*behind.
type place struct{ axis, before, behind int }

// operand is an input of a node as the rules see it.
type operand struct {
	shape   []int // in the graph; nil where omitted
	batched bool
	lead    int
	place   place
	value   *onnx.Tensor
}

// rewriting is a node that is to be bound to stored shapes. A rule fills the second
// part and returns false where it does not apply.
type rewriting struct {
	def   *onnx.Node
	opset int
	batch int
	in    []operand
	out   [][]int // shapes in the graph

	node   *onnx.Node     // with renumbered axes
	shapes [][]int        // stored, of the inputs; nil leaves one as it is
	values []*onnx.Tensor // constants in place of inputs
	omit   []bool         // inputs to be left out
	enter  []int          // lead of shared inputs that are to be kept sample by sample
	leads  []int          // of the outputs
}

// find looks for the samples in a shape, on an axis of their own first.
func find(shape []int, lead, batch int) (place, bool) {
	for _, alone := range []bool{true, false} {
		before := 1
		for i, d := range shape {
			if before > 0 && lead%before == 0 && d > 0 {
				p := lead / before
				if alone && p == 1 && d == batch || !alone && d%(p*batch) == 0 {
					return place{i, p, d / (p * batch)}, true
				}
			}
			before *= d
		}
	}
	return place{}, false
}

// plain says whether a shape and lead are those of ordinary batched tensors.
func plain(shape []int, lead, batch int) bool {
	return lead == 1 && len(shape) > 0 && shape[0]%batch == 0
}

// split is a shape without its samples: the parts of their axis, where there are any,
// take its place.
func (p place) split(shape []int) []int {
	rest := slices.Clone(shape[:p.axis])
	for _, d := range []int{p.before, p.behind} {
		if d != 1 {
			rest = append(rest, d)
		}
	}
	return append(rest, shape[p.axis+1:]...)
}

// stored is a shape as it is kept: samples first.
func (r *rewriting) stored(o *operand) []int {
	return append([]int{r.batch}, o.place.split(o.shape)...)
}

// renumber is axis k of a tensor with the samples at p in the stored shape. Axes behind
// them are counted from the end. The samples' own axis has no number.
func (p place) renumber(k, rank int) (int64, bool) {
	if k < p.axis {
		return int64(k) + 1, true
	}
	return int64(k - rank), k > p.axis
}

// axis brings an axis into [0, rank).
func axis(a int64, rank int) (int, bool) {
	if a < 0 {
		a += int64(rank)
	}
	return int(a), a >= 0 && a < int64(rank)
}

// keeps says that the samples are at axis a of output i, with before as in p.
func (r *rewriting) keeps(i, a int, p place) bool {
	if a < 0 || a >= len(r.out[i]) {
		return false
	}
	r.leads[i] = op.Len(r.out[i][:a]) * p.before
	return true
}

// renumbered sets attribute name to axis k of input 0.
func (r *rewriting) renumbered(name string, k int) bool {
	to, ok := r.in[0].place.renumber(k, len(r.in[0].shape))
	if ok {
		r.node.SetAttr(onnx.Int(name, to))
	}
	return ok
}

// rewrite applies the rule of a node's operator.
func (r *rewriting) rewrite() bool {
	rule := rules[r.def.OpType]
	if rule == nil || r.def.Domain != "" && r.def.Domain != "ai.onnx" {
		return false
	}
	for i := range r.in {
		o := &r.in[i]
		if !o.batched {
			continue
		}
		var ok bool
		if o.place, ok = find(o.shape, o.lead, r.batch); !ok {
			return false
		}
	}
	r.node = r.def.Clone()
	r.shapes, r.values = make([][]int, len(r.in)), make([]*onnx.Tensor, len(r.in))
	r.omit, r.enter = make([]bool, len(r.in)), make([]int, len(r.in))
	r.leads = make([]int, len(r.out))
	return rule(r)
}

// rules are the operators that can be bound to stored shapes.
var rules = map[string]func(*rewriting) bool{
	"Reshape": sameOrder, "Flatten": sameOrder, "Squeeze": sameOrder, "Unsqueeze": sameOrder, "Identity": sameOrder,
	"Transpose": transposed, "MatMul": product, "Gemm": rowsByWeights,
	"LSTM": recurrent, "GRU": recurrent, "RNN": recurrent,
	"Concat": alongAxis, "Split": alongAxis, "Softmax": alongAxis, "LogSoftmax": alongAxis, "CumSum": alongAxis,
	"LayerNormalization": normalised, "RMSNormalization": normalised,
	"Gather": gathered, "Slice": sliced,
}

func init() {
	for _, name := range []string{
		"Abs", "Acos", "Acosh", "Add", "And", "Asin", "Asinh", "Atan", "Atanh", "Cast", "Ceil", "Celu", "Clip", "Cos", "Cosh",
		"Div", "Dropout", "Elu", "Equal", "Erf", "Exp", "Floor", "Gelu", "Greater", "GreaterOrEqual", "HardSigmoid",
		"HardSwish", "IsInf", "IsNaN", "LeakyRelu", "Less", "LessOrEqual", "Log", "Max", "Mean", "Min", "Mish", "Mod", "Mul",
		"Neg", "Not", "Or", "PRelu", "Pow", "Reciprocal", "Relu", "Round", "Selu", "Shrink", "Sigmoid", "Sign", "Sin", "Sinh",
		"Softplus", "Softsign", "Sqrt", "Sub", "Sum", "Swish", "Tan", "Tanh", "ThresholdedRelu", "Where", "Xor",
	} {
		rules[name] = broadcasting
	}
	for _, name := range []string{
		"ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd",
		"ReduceSum", "ReduceSumSquare",
	} {
		rules[name] = reduced
	}
}
