// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
	"github.com/kdcompress/kdcompress/student"
)

// inner is a tensor inside a model that depends on the samples.
type inner struct {
	tensor string
	shape  []int // of a sample
}

// anatomy is what is known of the inside of a model.
type anatomy struct {
	graph  *onnx.Graph
	logits string
	inner  []inner // in graph order
}

// shape is the shape of a sample's part of a tensor, nil if it is not known.
func (a *anatomy) shape(tensor string) []int {
	for _, x := range a.inner {
		if x.tensor == tensor {
			return x.shape
		}
	}
	return nil
}

// isMap says whether a shape is that of a feature map of more than one position.
func isMap(shape []int) bool { return len(shape) == 3 && shape[1]*shape[2] > 1 }

// stages are the last feature maps of every height and width, from the input on. A
// convolution that is pooled before it is rectified belongs to the next stage.
func (a *anatomy) stages() []inner {
	var list []inner
	producers, consumers := a.graph.Producers(), a.graph.Consumers()
	begins := func(tensor string) bool {
		n := producers[tensor]
		return n != nil && (n.OpType == "Conv" || n.OpType == "BatchNormalization") && len(consumers[tensor]) > 0 &&
			!slices.ContainsFunc(consumers[tensor], func(n *onnx.Node) bool { return n.OpType != "MaxPool" && n.OpType != "AveragePool" })
	}
	for _, x := range a.inner {
		if !isMap(x.shape) {
			continue
		}
		same := func(y inner) bool { return slices.Equal(y.shape[1:], x.shape[1:]) }
		if begins(x.tensor) && slices.ContainsFunc(list, same) {
			continue
		}
		list = append(slices.DeleteFunc(list, same), x)
	}
	return list
}

// passes are operators that do not change what a tensor says: embedding looks
// through them.
var passes = []string{"Identity", "Add", "Reshape", "Squeeze", "Unsqueeze", "Dropout", "Cast", "Mul", "Flatten"}

// embedding is what the layer that computes the logits reads: the samples' operand
// of the last Gemm, MatMul or Conv.
func (a *anatomy) embedding() (inner, error) {
	producers := a.graph.Producers()
	at := a.logits
	for range a.graph.Nodes {
		n := producers[at]
		if n == nil {
			break
		}
		switch {
		case n.OpType == "Gemm" || n.OpType == "MatMul" || n.OpType == "Conv":
			for _, in := range n.Inputs {
				if s := a.shape(in); s != nil {
					return inner{in, s}, nil
				}
			}
			return inner{}, fmt.Errorf("the layer that computes the logits reads a tensor of unknown shape")
		case !slices.Contains(passes, n.OpType):
			return inner{}, fmt.Errorf("the logits come from %s, not from a linear layer; name the tensors with --tap", n.OpType)
		}
		at = ""
		for _, in := range n.Inputs {
			if producers[in] != nil && a.graph.Initializer(in) == nil && at == "" {
				at = in
			}
		}
	}
	return inner{}, fmt.Errorf("no linear layer computes the logits; name the tensors with --tap")
}

// pooled is the feature map that is averaged and flattened into a tensor, if that
// is where it comes from.
func (a *anatomy) pooled(tensor string) (inner, bool) {
	producers := a.graph.Producers()
	for at := tensor; producers[at] != nil; {
		n := producers[at]
		at = n.Inputs[0]
		switch n.OpType {
		case "Flatten", "Reshape", "Squeeze":
			continue
		case "GlobalAveragePool", "ReduceMean":
			if s := a.shape(at); isMap(s) {
				return inner{at, s}, true
			}
		}
		break
	}
	return inner{}, false
}

// rectified says whether a tensor is what a ReLU gives, or a pooling of it.
func (a *anatomy) rectified(tensor string) bool {
	producers := a.graph.Producers()
	for at := tensor; producers[at] != nil; at = producers[at].Inputs[0] {
		switch producers[at].OpType {
		case "Relu":
			return true
		case "MaxPool", "AveragePool", "GlobalAveragePool", "Flatten", "Reshape", "Squeeze", "ReduceMean":
			continue
		}
		return false
	}
	return false
}

// beforeRelu is the operand of the ReLU that gives a tensor, or the tensor itself.
func (a *anatomy) beforeRelu(x inner) inner {
	n := a.graph.Producers()[x.tensor]
	if n == nil || n.OpType != "Relu" {
		return x
	}
	if s := a.shape(n.Inputs[0]); s != nil {
		return inner{n.Inputs[0], s}
	}
	return x
}

// reached lists the tensors that lead to one, in graph order, that one left out.
func reached(g *onnx.Graph, tensor string) []string {
	wanted := map[string]bool{tensor: true}
	var list []string
	for _, n := range slices.Backward(g.Nodes) {
		if !slices.ContainsFunc(n.Outputs, func(o string) bool { return o != "" && wanted[o] }) {
			continue
		}
		for _, in := range n.Inputs {
			wanted[in] = true
		}
		for _, o := range n.Outputs {
			if o != "" && o != tensor && wanted[o] {
				list = append(list, o)
			}
		}
	}
	slices.Reverse(list)
	return list
}

// dependent keeps of tensors those that depend on a graph's inputs.
func dependent(g *onnx.Graph, tensors []string) []string {
	depends := map[string]bool{}
	for _, v := range g.DataInputs() {
		depends[v.Name] = true
	}
	for _, n := range g.Nodes {
		if slices.ContainsFunc(n.Inputs, func(in string) bool { return depends[in] }) {
			for _, o := range n.Outputs {
				depends[o] = true
			}
		}
	}
	return slices.DeleteFunc(tensors, func(t string) bool { return !depends[t] })
}

// anatomy runs the teacher on one sample with every tensor that leads to its
// logits as an output, and keeps those whose first dimension counts samples.
func (t *Teacher) anatomy(ctx context.Context, set *data.Set) (*anatomy, error) {
	m, err := onnx.Decode(t.tapped)
	if err != nil {
		return nil, err
	}
	names := dependent(m.Graph, reached(m.Graph, t.Knowledge.Logits))
	open, err := rewrite.Tap(m, names...)
	if err != nil {
		return nil, onnx.InFile(t.Path, err)
	}
	b, err := open.Encode()
	if err != nil {
		return nil, err
	}
	s, err := ort.Open(b, ort.Options{Threads: 1, NoOptimise: true})
	if err != nil {
		return nil, fmt.Errorf("%s: looking inside: %w", t.Path, err)
	}
	defer s.Close()
	some := min(2, set.Len())
	if t.batch > 0 {
		some = min(some, t.batch)
	}
	in, err := t.feed(set, all(some))
	if err != nil {
		return nil, err
	}
	rows := int(in[0].Dims[0])
	out, err := s.Run(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("%s: looking inside: %w", t.Path, err)
	}
	a := &anatomy{graph: m.Graph, logits: t.Knowledge.Logits}
	found := map[string]inner{}
	for i, o := range s.Outputs() {
		v := out[i]
		if !v.Type.IsFloat() || len(v.Dims) < 2 || int(v.Dims[0]) != rows {
			continue
		}
		x := inner{tensor: o.Name}
		for _, d := range v.Dims[1:] {
			x.shape = append(x.shape, int(d))
		}
		found[o.Name] = x
	}
	for _, name := range names {
		if x, ok := found[name]; ok {
			a.inner = append(a.inner, x)
		}
	}
	return a, nil
}

// studentAnatomy learns the shapes inside a student that reads samples of dims.
func studentAnatomy(s *student.Student, dims [][]int) (*anatomy, error) {
	shapes, err := s.Shapes(dims)
	if err != nil {
		return nil, err
	}
	a := &anatomy{graph: s.Model.Graph, logits: s.Logits}
	for _, name := range reached(a.graph, s.Logits) {
		if shape := shapes[name]; shape != nil {
			a.inner = append(a.inner, inner{name, shape})
		}
	}
	return a, nil
}
