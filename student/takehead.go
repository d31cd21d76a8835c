// SPDX-License-Identifier: Apache-2.0

package student

import (
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// Features is a tensor inside a model and the shape of a sample's part of it:
// [channels, height, width] or [features].
type Features struct {
	Tensor string
	Shape  []int
}

// TakeHead makes the student go on with the teacher's own classifier, as in Chen et
// al. 2022 (SimKD, arXiv:2203.14001): from its tensor at, through a projector that
// is trained and stays, to copies of the teacher's nodes between from and its
// logits, whose weights are frozen. What stood between at and the student's logits
// goes. A projector between maps is 1x1, 3x3 and 1x1 convolutions with BatchNorm
// and ReLU and half the teacher's channels in the middle; between vectors it is one
// linear layer. rectified says that the teacher's tensor is never negative, so that
// the projector ends in a ReLU.
//
// It returns the student and its tensor that is to become the teacher's. The
// student given does not change. A map of the student may be a whole number of times
// as high and wide as the teacher's (Averages): it is averaged down first.
func (s *Student) TakeHead(teacher *onnx.Graph, logits string, from, at Features, rectified bool, seed uint64) (*Student, string, error) {
	c := *s
	c.Model = s.Model.Clone()
	g := c.Model.Graph
	e := &Emitter{Builder: onnx.NewBuilder(g, ""), seed: seed}
	feature, err := e.projector(at, from, rectified)
	if err != nil {
		return nil, "", err
	}
	c.taken = map[string]bool{}
	renamed := map[string]string{from.Tensor: feature}
	for _, n := range between(teacher, from.Tensor, logits) {
		if n.OpType == "BatchNormalization" {
			return nil, "", &onnx.Error{Node: n.Name, Op: n.OpType, Err: fmt.Errorf("it stands between %q and the logits and cannot be frozen; name a later tensor with --tap", from.Tensor)}
		}
		if err := c.takeNode(e.Builder, teacher, n, renamed); err != nil {
			return nil, "", err
		}
	}
	if renamed[logits] == "" {
		return nil, "", fmt.Errorf("the teacher's tensor %q does not lead to its logits %q", from.Tensor, logits)
	}
	// Whoever reads the student's logits reads those of the head from here on.
	own := e.Name("own.logits")
	for _, n := range g.Nodes {
		for i, o := range n.Outputs {
			if o == s.Logits {
				n.Outputs[i] = own
			}
		}
	}
	rename(g, renamed[logits], s.Logits)
	if feature == renamed[logits] {
		feature = s.Logits
	}
	if err := g.Sort(); err != nil {
		return nil, "", err
	}
	c.Model = rewrite.RemoveDead(c.Model)
	if err := c.Model.Check(); err != nil {
		return nil, "", fmt.Errorf("student %s with the teacher's head: %w", s.Spec, err)
	}
	return &c, feature, nil
}

// projector brings a student's features to the shape of the teacher's.
func (e *Emitter) projector(at, from Features, rectified bool) (string, error) {
	x, in, out := at.Tensor, at.Shape[0], from.Shape[0]
	if len(from.Shape) == 1 {
		if len(at.Shape) != 1 {
			x, in = e.Op("Flatten", []string{x}, onnx.Int("axis", 1)), 1
			for _, d := range at.Shape {
				in *= d
			}
		}
		x = e.Linear("projector", x, in, out, 1)
		if rectified {
			x = e.Op("Relu", []string{x})
		}
		return x, nil
	}
	k, ok := Averages(at.Shape, from.Shape)
	if !ok {
		return "", fmt.Errorf("the student's %q %v cannot be averaged down to the teacher's %q %v; name other tensors with --tap", at.Tensor, at.Shape, from.Tensor, from.Shape)
	}
	if k > 1 {
		x = e.Op("AveragePool", []string{x}, onnx.Ints("kernel_shape", int64(k), int64(k)), onnx.Ints("strides", int64(k), int64(k)))
	}
	mid := max(out/2, 1)
	for i, l := range [][3]int{{in, mid, 1}, {mid, mid, 3}, {mid, out, 1}} {
		stem := fmt.Sprintf("projector%d", i+1)
		x = e.BatchNorm(stem+".norm", e.Conv(stem, x, l[0], l[1], l[2], 1, 1), l[1])
		if i < 2 || rectified {
			x = e.Op("Relu", []string{x})
		}
	}
	return x, nil
}

// Averages says whether a map becomes one of the height and width of another by
// averages over squares of k x k, 1 where the two are of one size.
func Averages(at, from []int) (k int, ok bool) {
	if len(at) != 3 || len(from) != 3 || at[1]%from[1] != 0 || at[2]%from[2] != 0 {
		return 0, false
	}
	k = at[1] / from[1]
	return k, at[2]/from[2] == k
}

// between lists the nodes on the way from one tensor to another, in graph order.
func between(g *onnx.Graph, from, to string) []*onnx.Node {
	wanted := map[string]bool{to: true}
	var list []*onnx.Node
	for _, n := range slices.Backward(g.Nodes) {
		if !slices.ContainsFunc(n.Outputs, func(o string) bool { return wanted[o] && o != from }) {
			continue
		}
		for _, in := range n.Inputs {
			if in != from {
				wanted[in] = true
			}
		}
		list = append(list, n)
	}
	slices.Reverse(list)
	return list
}

// takeNode copies a node of the teacher with its weights, in float32.
func (s *Student) takeNode(b *onnx.Builder, teacher *onnx.Graph, n *onnx.Node, renamed map[string]string) error {
	c := &onnx.Node{Name: b.Name(n.OpType), OpType: n.OpType, Domain: n.Domain, Attrs: n.Attrs}
	for _, in := range n.Inputs {
		name, ok := renamed[in]
		if t := teacher.Initializer(in); !ok && t != nil {
			copied := t.Clone()
			if t.Type.IsFloat() && t.Type != onnx.Float32 {
				v, err := onnx.Values[float32](t)
				if err != nil {
					return err
				}
				copied = onnx.NewFloat32(t.Name, t.Dims, v)
			}
			name, ok = b.Init(copied), true
			renamed[in], s.taken[name] = name, true
		}
		if !ok && in != "" {
			return &onnx.Error{Node: n.Name, Op: n.OpType, Err: fmt.Errorf("it stands before the logits and reads %q, which the student does not have; name a later tensor with --tap", in)}
		}
		c.Inputs = append(c.Inputs, name)
	}
	for _, out := range n.Outputs {
		name := ""
		if out != "" {
			name = b.Name(out)
			renamed[out] = name
		}
		c.Outputs = append(c.Outputs, name)
	}
	b.G.Nodes = append(b.G.Nodes, c)
	return nil
}
