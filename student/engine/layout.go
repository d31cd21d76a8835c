// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
	"github.com/kdcompress/kdcompress/student/op"
)

// layout rewrites a graph so that images between convolutions have their channels
// last, where the loops over them are fastest. Operators that know such images take
// the place of those of ai.onnx; elementwise ones stay as they are; what knows only
// the other order gets it back through ToFirst. On the way, activations and sums
// are drawn into the operators before them. Weights and the names of what is kept
// stay.
type layout struct {
	g     *onnx.Graph
	b     *onnx.Builder
	opset int
	kept  map[string]bool
	init  map[string]*onnx.Tensor
	uses  map[string][]int // nodes that read a tensor, once for every time
	made  map[string]int   // the node that makes it
	fused map[int]bool     // nodes drawn into another
	chain map[int]*fusion  // by the node at whose place the whole is computed

	last  map[string]string // names of images with their channels last, by name
	rank  map[string]int    // of the tensor that such an image stands for
	first map[string]bool   // tensors that exist as ONNX has them
	after map[string]string // what of a fusion is never computed: the name of its result
}

// channelsLast rewrites a graph, or returns nil where it has no convolution that
// gains. Wanted are the names of tensors that are read after a run.
func channelsLast(g *onnx.Graph, opset int, wanted []string) *layout {
	l := &layout{opset: opset, kept: map[string]bool{}, init: map[string]*onnx.Tensor{}, uses: map[string][]int{}, made: map[string]int{},
		fused: map[int]bool{}, chain: map[int]*fusion{}, last: map[string]string{}, rank: map[string]int{}, first: map[string]bool{}, after: map[string]string{}}
	for _, t := range g.Initializers {
		l.init[t.Name] = t
	}
	if !slices.ContainsFunc(g.Nodes, func(n *onnx.Node) bool { return l.convolution(n) == "Conv" }) {
		return nil
	}
	l.g = &onnx.Graph{Name: g.Name, Inputs: g.Inputs, Outputs: g.Outputs, Initializers: slices.Clone(g.Initializers)}
	l.b = onnx.NewBuilder(&onnx.Graph{Inputs: g.Inputs, Initializers: g.Initializers, Nodes: g.Nodes}, "")
	l.b.G = l.g
	for _, name := range wanted {
		l.kept[name] = true
	}
	for _, v := range g.Inputs {
		l.first[v.Name] = true
	}
	for i, n := range g.Nodes {
		for _, in := range n.Inputs {
			l.uses[in] = append(l.uses[in], i)
		}
		for _, out := range n.Outputs {
			l.made[out] = i
		}
	}
	for i, n := range g.Nodes {
		l.fuse(g, i, n)
	}
	for i, n := range g.Nodes {
		switch f := l.chain[i]; {
		case f != nil:
			l.emitFused(f)
		case !l.fused[i]:
			l.emit(n)
		}
	}
	for _, name := range wanted {
		l.restore(name)
	}
	return l
}

// shape is that of a tensor which only an image stands for, given the image's.
func (l *layout) shape(name string, of func(image string) []int) []int {
	if result := l.after[name]; result != "" {
		name = result
	}
	if l.last[name] == "" {
		return nil
	}
	s := of(l.last[name])
	switch {
	case l.rank[name] == 3:
		return []int{s[0], s[3], s[2]}
	}
	return []int{s[0], s[3], s[1], s[2]}
}

// convolution names the operator that a Conv becomes, "" if it stays as it is.
func (l *layout) convolution(n *onnx.Node) string {
	if n.OpType != "Conv" || n.Domain != "" || len(n.Inputs) < 2 {
		return ""
	}
	w := l.init[n.Inputs[1]]
	if w == nil || len(w.Dims) != 3 && len(w.Dims) != 4 {
		return ""
	}
	out, in := int(w.Dims[0]), int(w.Dims[1])
	switch group := n.Int("group", 1); {
	case group == 1 && fills(out) && (in < 4 || fills(in)):
		return "Conv"
	case group == int64(out) && in == 1 && fills(out) && len(w.Dims) == 4 && known("DepthwiseConv"):
		return "DepthwiseConv"
	}
	return ""
}

// fills says whether channels fill most of the vectors they need.
func fills(channels int) bool {
	const lanes = 16
	return channels*3 >= (channels+lanes-1)/lanes*lanes*2 || channels == 8
}

// known says whether there is such an operator on images whose channels come last.
func known(name string) bool {
	_, err := op.Lookup(op.ChannelsLast, name, 1)
	return err == nil
}

// elementwise operators treat every element of their first input alike; others are
// parameters of no shape.
var elementwise = map[string]bool{
	"Relu": true, "LeakyRelu": true, "Clip": true, "Sigmoid": true, "HardSigmoid": true, "HardSwish": true, "Tanh": true,
	"Elu": true, "Selu": true, "Celu": true, "Gelu": true, "Mish": true, "Swish": true, "Softplus": true, "Softsign": true,
	"Exp": true, "Erf": true, "Abs": true, "Neg": true, "Sqrt": true, "Identity": true, "Dropout": true, "ThresholdedRelu": true,
}

// arithmetic operators broadcast their operands.
var arithmetic = map[string]bool{"Add": true, "Sub": true, "Mul": true, "Div": true, "PRelu": true, "Max": true, "Min": true, "Sum": true, "Pow": true}

var pools = map[string]bool{"MaxPool": true, "AveragePool": true, "GlobalAveragePool": true, "GlobalMaxPool": true}

// emit adds a node in the order of axes that suits it.
func (l *layout) emit(n *onnx.Node) {
	if n.Domain == "" && len(n.Inputs) > 0 && len(n.Outputs) > 0 {
		in := l.last[n.Inputs[0]]
		switch {
		case l.convolution(n) != "":
			l.node(&fusion{node: n, out: n.Outputs[0]}, l.convolution(n))
			return
		case in != "" && n.OpType == "BatchNormalization" && len(n.Outputs) == 1 && known(n.OpType):
			l.node(&fusion{node: n, out: n.Outputs[0]}, n.OpType)
			return
		case in != "" && elementwise[n.OpType] && !slices.ContainsFunc(n.Outputs[1:], func(o string) bool { return o != "" }):
			c := n.Clone()
			c.Inputs[0] = in
			c.Outputs = []string{l.image(n.Outputs[0], l.rank[n.Inputs[0]])}
			l.g.Nodes = append(l.g.Nodes, c)
			return
		case in != "" && pools[n.OpType] && known(n.OpType) && l.rank[n.Inputs[0]] == 4 && len(n.Outputs) == 1:
			l.node(&fusion{node: n, out: n.Outputs[0]}, n.OpType)
			return
		case n.OpType == "Concat" && n.Int("axis", 1) == 1 && l.all(n.Inputs):
			c := n.Clone()
			for i, name := range n.Inputs {
				c.Inputs[i] = l.last[name]
			}
			c.SetAttr(onnx.Int("axis", 3))
			c.Outputs[0] = l.image(n.Outputs[0], l.rank[n.Inputs[0]])
			l.g.Nodes = append(l.g.Nodes, c)
			return
		case arithmetic[n.OpType] && l.broadcasts(n):
			return
		}
	}
	for _, name := range n.Inputs {
		l.restore(name)
	}
	for _, name := range n.Outputs {
		l.first[name] = true
	}
	l.g.Nodes = append(l.g.Nodes, n)
}

// emitFused adds a node with what is drawn into it.
func (l *layout) emitFused(f *fusion) { l.node(f, l.name(f.node)) }

func (l *layout) name(n *onnx.Node) string {
	if c := l.convolution(n); c != "" {
		return c
	}
	return n.OpType
}

// node adds an operator on images whose channels come last.
func (l *layout) node(f *fusion, opType string) {
	n := f.node.Clone()
	rank := l.enter(n.Inputs[0], f.node)
	n.Domain, n.OpType = op.ChannelsLast, opType
	n.Inputs[0] = l.last[n.Inputs[0]]
	if f.residual != "" {
		l.enter(f.residual, f.node)
		n.Inputs = append(n.Inputs, l.last[f.residual])
	}
	if f.act != nil {
		n.SetAttr(onnx.String("activation", "relu"))
		if b := l.bounds(f.act); b != nil {
			n.SetAttr(onnx.String("activation", "clip"))
			n.SetAttr(onnx.Float("low", b[0]))
			n.SetAttr(onnx.Float("high", b[1]))
		}
	}
	n.Outputs = []string{l.image(f.out, rank)}
	l.g.Nodes = append(l.g.Nodes, n)
}

// image names the image that stands for a tensor of some rank.
func (l *layout) image(name string, rank int) string {
	image := l.b.Name(name + " channels last")
	l.last[name], l.rank[name] = image, rank
	return image
}

// enter sees that a tensor exists with its channels last and returns its rank. It is
// that of the kernels of the convolution that reads it, where nothing else is known.
func (l *layout) enter(name string, reader *onnx.Node) int {
	if l.last[name] == "" {
		rank := 4
		if w := l.init[reader.Inputs[min(1, len(reader.Inputs)-1)]]; w != nil && reader.OpType == "Conv" {
			rank = len(w.Dims)
		}
		image := l.image(name, rank)
		l.g.Nodes = append(l.g.Nodes, &onnx.Node{Name: image, Domain: op.ChannelsLast, OpType: "ToLast", Inputs: []string{name}, Outputs: []string{image}})
	}
	return l.rank[name]
}

// restore sees that a tensor exists as ONNX has it.
func (l *layout) restore(name string) {
	image := l.last[name]
	if image == "" || l.first[name] {
		return
	}
	l.first[name] = true
	l.g.Nodes = append(l.g.Nodes, &onnx.Node{Name: image, Domain: op.ChannelsLast, OpType: "ToFirst", Inputs: []string{image}, Outputs: []string{name},
		Attrs: []onnx.Attr{onnx.Int("rank", int64(l.rank[name]))}})
}

// all says whether all tensors exist as images of one rank.
func (l *layout) all(names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return l.last[name] == "" || l.rank[name] != l.rank[names[0]] })
}

// broadcasts adds an arithmetic node if its operands are images or weights that fit
// them: one number, or one a channel.
func (l *layout) broadcasts(n *onnx.Node) bool {
	rank := 0
	for _, name := range n.Inputs {
		if l.last[name] != "" {
			rank = l.rank[name]
		}
	}
	if rank == 0 {
		return false
	}
	for i, name := range n.Inputs {
		switch t := l.init[name]; {
		case l.last[name] != "" && l.rank[name] == rank:
		case t == nil || n.OpType == "PRelu" && i == 0:
			return false
		case t.Len() == 1:
		case !channelShaped(t.Dims, rank):
			return false
		}
	}
	c := n.Clone()
	for i, name := range n.Inputs {
		if image := l.last[name]; image != "" {
			c.Inputs[i] = image
			continue
		}
		if l.init[name].Len() == 1 {
			continue
		}
		c.Inputs[i] = l.b.Name(name + " channels last")
		l.g.Nodes = append(l.g.Nodes, &onnx.Node{Name: c.Inputs[i], OpType: "Reshape", Outputs: []string{c.Inputs[i]},
			Inputs: []string{name, l.b.Int64("shape", []int64{1}, []int64{-1})}})
	}
	c.Outputs[0] = l.image(n.Outputs[0], rank)
	l.g.Nodes = append(l.g.Nodes, c)
	return true
}

// channelShaped says whether a weight's shape, [C, 1, 1] or [1, C, 1, 1] beside images
// of four axes, has one number a channel.
func channelShaped(dims []int64, rank int) bool {
	at := len(dims) - rank + 1
	if at < 0 || len(dims) > rank {
		return false
	}
	for i, d := range dims {
		if i != at && d != 1 {
			return false
		}
	}
	return true
}

// useChannelsLast says whether plans of T go through layout.
func useChannelsLast[T kernel.Float]() bool {
	var zero T
	_, single := any(zero).(float32)
	return single && kernel.ChannelsLast()
}
