// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"cmp"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// finder walks from an output towards the inputs.
type finder struct {
	m         *onnx.Model
	producers map[string]*onnx.Node
}

// from follows one output back to the logits behind it.
func (f finder) from(v *onnx.Value) Knowledge {
	k := Knowledge{Output: v.Name, Logits: v.Name, Kind: KindLogits, Axis: -1}
	var path []*onnx.Node
	settle := func(tensor, kind string, task Task, axis int) {
		k.Logits, k.Kind, k.Task, k.Axis = tensor, kind, task, axis
		k.Closing = f.inGraphOrder(path)
	}
	for at := v.Name; ; {
		n := f.producers[at]
		if n == nil {
			return k
		}
		if classifies(n, at) {
			settle(at, KindProbabilities, Classify, -1)
			return k
		}
		if len(n.Inputs) == 0 || n.Inputs[0] == "" || n.Outputs[0] != at {
			return k
		}
		if z, nodes := f.spelledSigmoid(n); z != "" {
			path = append(path, nodes...)
			settle(z, KindLogits, Multilabel, -1)
			return k
		}
		in := n.Inputs[0]
		if f.looksUp(n) {
			path = append(path, n)
			at = n.Inputs[1]
			continue
		}
		switch {
		case n.OpType == "ZipMap":
		case !standard(n):
			return k
		case n.OpType == "Softmax" || n.OpType == "LogSoftmax":
			path = append(path, n)
			settle(in, KindLogits, Classify, f.softmaxAxis(n))
			return k
		case n.OpType == "LpNormalization":
			path = append(path, n)
			settle(in, KindLogits, Embed, fromBack(n.Int("axis", -1), f.rank(at)))
			return k
		case n.OpType == "Div":
			if logits, nodes := f.spelledSoftmax(n); logits != "" {
				path = append(path, nodes...)
				settle(logits, KindLogits, Classify, -1)
			} else if nodes != nil {
				settle(at, KindProbabilities, Classify, -1)
			} else if nodes := f.byLength(n); nodes != nil {
				path = append(path, nodes...)
				settle(in, KindLogits, Embed, -1)
			}
			return k
		case n.OpType == "ArgMax":
			path = append(path, n)
			rank := f.rank(in)
			if out := f.rank(at); rank < 0 && out >= 0 {
				rank = out + 1 - int(min(n.Int("keepdims", 1), 1))
			}
			settle(in, KindLogits, Classify, fromBack(n.Int("axis", 0), rank))
			at = in
			continue
		case slices.Contains(thresholds, n.OpType) && len(n.Inputs) == 2 && constant(f.m.Graph, n.Inputs[1]) != nil:
		case !slices.Contains(tails, n.OpType):
			return k
		}
		path = append(path, n)
		at = in
	}
}

// looksUp says whether a node turns numbers of classes into their names, from a
// constant list.
func (f finder) looksUp(n *onnx.Node) bool {
	if len(n.Inputs) != 2 || constant(f.m.Graph, n.Inputs[0]) == nil || f.producers[n.Inputs[1]] == nil {
		return false
	}
	return n.OpType == "Gather" && standard(n) && n.Int("axis", 0) == 0 || n.OpType == "ArrayFeatureExtractor" && n.Domain == "ai.onnx.ml"
}

// tails are the operators that may follow a softmax without changing what it says.
var tails = []string{"Identity", "Cast", "Flatten", "Squeeze", "Unsqueeze", "Reshape", "Transpose"}

// thresholds are the comparisons that make a decision of a score.
var thresholds = []string{"Greater", "GreaterOrEqual", "Less", "LessOrEqual"}

// classifies says whether a tensor is the probabilities of a classifier or
// normalisation of ai.onnx.ml. Linear ones without a transform give raw scores.
func classifies(n *onnx.Node, tensor string) bool {
	if n.Domain != "ai.onnx.ml" {
		return false
	}
	second := len(n.Outputs) > 1 && n.Outputs[1] == tensor
	switch n.OpType {
	case "Normalizer":
		return n.String("norm", "MAX") == "L1"
	case "TreeEnsembleClassifier":
		return second
	case "LinearClassifier", "SVMClassifier":
		return second && n.String("post_transform", "NONE") != "NONE"
	}
	return false
}

// softmaxAxis is the axis of the classes. Before opset 13 the default is 1.
func (f finder) softmaxAxis(n *onnx.Node) int {
	def := int64(-1)
	if f.m.Opset("") < 13 {
		def = 1
	}
	return fromBack(n.Int("axis", def), max(f.rank(n.Outputs[0]), f.rank(n.Inputs[0])))
}

// fromBack writes the last axis as -1; rank is -1 where it is not known.
func fromBack(axis int64, rank int) int {
	if rank > 0 && int(axis) == rank-1 {
		return -1
	}
	return int(axis)
}

// rank is the declared rank of a tensor, -1 if the file does not say.
func (f finder) rank(name string) int {
	g := f.m.Graph
	for _, v := range slices.Concat(g.Outputs, g.ValueInfo, g.Inputs) {
		if v.Name == name && v.Ranked {
			return len(v.Dims)
		}
	}
	return -1
}

// spelledSoftmax recognises x / ReduceSum(x) over the last axis. Where x is Exp(z)
// it returns z and the three nodes, otherwise the two nodes alone.
func (f finder) spelledSoftmax(div *onnx.Node) (logits string, nodes []*onnx.Node) {
	if len(div.Inputs) != 2 {
		return "", nil
	}
	sum := f.producers[div.Inputs[1]]
	if sum == nil || sum.OpType != "ReduceSum" || !standard(sum) || sum.Inputs[0] != div.Inputs[0] || sum.Int("keepdims", 1) == 0 {
		return "", nil
	}
	axes := sum.Ints("axes", nil)
	if len(sum.Inputs) > 1 {
		if t := constant(f.m.Graph, sum.Inputs[1]); t != nil {
			axes, _ = onnx.Values[int64](t)
		}
	}
	rank := max(f.rank(div.Outputs[0]), f.rank(div.Inputs[0]))
	if len(axes) != 1 || fromBack(axes[0], rank) != -1 {
		return "", nil
	}
	nodes = []*onnx.Node{div, sum}
	if exp := f.producers[div.Inputs[0]]; exp != nil && exp.OpType == "Exp" && standard(exp) {
		return exp.Inputs[0], append(nodes, exp)
	}
	return "", nodes
}

// inGraphOrder sorts nodes as they stand in the graph; nil stays nil.
func (f finder) inGraphOrder(path []*onnx.Node) []*onnx.Node {
	at := make(map[*onnx.Node]int, len(path))
	for _, n := range path {
		at[n] = slices.Index(f.m.Graph.Nodes, n)
	}
	out := slices.Clone(path)
	slices.SortFunc(out, func(a, b *onnx.Node) int { return cmp.Compare(at[a], at[b]) })
	return out
}
