// SPDX-License-Identifier: Apache-2.0

package engine

import "github.com/kdcompress/kdcompress/onnx"

// fusion is a node with what is drawn into it.
type fusion struct {
	node     *onnx.Node
	residual string
	act      *onnx.Node
	out      string
}

// sole is the index of the only node that reads a tensor, -1 if there are others or
// it is kept.
func (l *layout) sole(name string) int {
	if l.kept[name] || len(l.uses[name]) != 1 {
		return -1
	}
	return l.uses[name][0]
}

// fuse finds what can be drawn into node i: into a Conv a Relu behind it, into a
// BatchNormalization the sum with another tensor and then a Relu or Clip.
func (l *layout) fuse(g *onnx.Graph, i int, n *onnx.Node) {
	conv := l.convolution(n) == "Conv"
	norm := n.OpType == "BatchNormalization" && n.Domain == "" && known("BatchNormalization") && l.images(g, n.Inputs[0])
	if !conv && !norm || len(n.Outputs) == 0 {
		return
	}
	f := &fusion{node: n, out: n.Outputs[0]}
	at := i
	if j := l.sole(f.out); norm && j >= 0 && !l.fused[j] && g.Nodes[j].OpType == "Add" && len(g.Nodes[j].Inputs) == 2 {
		add := g.Nodes[j]
		other := add.Inputs[0]
		if other == f.out {
			other = add.Inputs[1]
		}
		if other != f.out && l.images(g, other) {
			f.residual, f.out, at = other, add.Outputs[0], j
			l.fused[j] = true
		}
	}
	if j := l.sole(f.out); j >= 0 && !l.fused[j] && (g.Nodes[j].OpType == "Relu" || norm && l.bounds(g.Nodes[j]) != nil) {
		f.act, f.out, at = g.Nodes[j], g.Nodes[j].Outputs[0], j
		l.fused[j] = true
	}
	if at != i {
		l.after[n.Outputs[0]] = f.out
		if f.act != nil {
			l.after[f.act.Inputs[0]] = f.out
		}
		l.fused[i] = true
		delete(l.fused, at)
		l.chain[at] = f
	}
}

// images says whether a tensor is computed, over elementwise operators, by one that
// makes images with their channels last.
func (l *layout) images(g *onnx.Graph, name string) bool {
	for range 64 {
		i, ok := l.made[name]
		if !ok {
			return false
		}
		n := g.Nodes[i]
		switch {
		case l.convolution(n) != "":
			return true
		case n.Domain != "" || len(n.Inputs) == 0:
			return false
		case elementwise[n.OpType], n.OpType == "BatchNormalization", n.OpType == "Add", pools[n.OpType] && known(n.OpType):
			name = n.Inputs[0]
		default:
			return false
		}
	}
	return false
}

// bounds are those of a Clip whose two are constants.
func (l *layout) bounds(n *onnx.Node) []float32 {
	if n.OpType != "Clip" || n.Domain != "" {
		return nil
	}
	if l.opset < 11 {
		if n.Attr("min") == nil || n.Attr("max") == nil {
			return nil
		}
		return []float32{n.Float("min", 0), n.Float("max", 0)}
	}
	if len(n.Inputs) != 3 {
		return nil
	}
	var both []float32
	for _, name := range n.Inputs[1:] {
		t := l.init[name]
		if t == nil || t.Len() != 1 {
			return nil
		}
		v, err := onnx.Values[float32](t)
		if err != nil {
			return nil
		}
		both = append(both, v[0])
	}
	return both
}
