// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"math"

	"github.com/kdcompress/kdcompress/onnx"
)

// Equalise returns a prepared model in which channels move between layers so that
// the ranges within a tensor are alike, and how many tensors were treated: what
// computes channel i is divided by s[i], what reads it multiplied, and the model's
// meaning is kept. s[i] = sqrt(a[i] / w[i]) with a the channel's largest magnitude as
// observed and w that of the weights that read it, scaled so that the largest
// channel keeps its range. It applies where a Conv, Gemm or LayerNormalization is
// read by layers alone, through operators for which f(c x) = c f(x) holds for
// c > 0: Relu, LeakyRelu, pooling, Flatten.
//
// M. Nagel et al., arXiv:1906.04721, section 4.1, with ranges of activations as in
// G. Xiao et al., SmoothQuant, arXiv:2211.10438.
func Equalise(m *onnx.Model, o *Observation) (*onnx.Model, int, error) {
	m = m.Clone()
	w := newWiring(m)
	q := &equaliser{w: w, b: onnx.NewBuilder(m.Graph, "")}
	count := 0
	for _, n := range m.Graph.Nodes {
		if q.treat(n, o) {
			count++
		}
	}
	dropUnread(m.Graph)
	return m, count, m.Check()
}

type equaliser struct {
	w *wiring
	b *onnx.Builder
}

// consumer is a layer that reads channels, each as block neighbouring features.
type consumer struct {
	node  *onnx.Node
	input string
	block int
}

func (q *equaliser) treat(n *onnx.Node, o *Observation) bool {
	if !standard(n) || len(n.Outputs) == 0 {
		return false
	}
	channels := q.channels(n)
	if channels < 2 {
		return false
	}
	readers := q.follow(n.Outputs[0], channels, n.OpType == "Conv", 8)
	if len(readers) == 0 {
		return false
	}
	a, wide := make([]float64, channels), make([]float64, channels)
	for _, r := range readers {
		peaks := o.Peaks[r.input]
		if len(peaks) != channels*r.block {
			return false
		}
		for i, p := range peaks {
			a[i/r.block] = max(a[i/r.block], p)
		}
		if !q.eachWeight(r, channels, func(c int, v *float32) { wide[c] = max(wide[c], math.Abs(float64(*v))) }, false) {
			return false
		}
	}
	s, most := make([]float64, channels), 0.0
	for i := range s {
		if s[i] = 1; a[i] > 1e-12 && wide[i] > 1e-12 {
			s[i] = math.Sqrt(a[i] / wide[i])
		}
		most = max(most, a[i]/s[i])
	}
	top := 0.0
	for _, v := range a {
		top = max(top, v)
	}
	if top == 0 || most == 0 {
		return false
	}
	for i := range s {
		s[i] = min(max(s[i]*most/top, 1e-3), 1e3)
	}
	q.divide(n, s)
	for _, r := range readers {
		q.eachWeight(r, channels, func(c int, v *float32) { *v *= float32(s[c]) }, true)
	}
	return true
}

// channels is the number of a producer's output channels, 0 if it is none whose
// channels can be scaled.
func (q *equaliser) channels(n *onnx.Node) int {
	w := q.w
	switch n.OpType {
	case "Conv", "Gemm":
		r := rules[n.OpType]
		if w.float(n.Inputs[1]) == nil || r.Fits(w, n) != "" {
			return 0
		}
		return int(w.constant(n.Inputs[1]).Dims[r.Axis(n)])
	case "LayerNormalization":
		if len(n.Inputs) < 2 || n.Int("axis", -1) != -1 || (len(n.Inputs) > 2 && n.Inputs[2] != "" && w.float(n.Inputs[2]) == nil) {
			return 0
		}
		return len(w.float(n.Inputs[1]))
	}
	return 0
}

// follow finds the layers that read a tensor, nil unless layers are all that read
// it. Spatial says that axis 1 holds the channels, else it is the last.
func (q *equaliser) follow(name string, channels int, spatial bool, depth int) []consumer {
	w := q.w
	if w.outputs[name] || w.below[name] || depth == 0 {
		return nil
	}
	var all []consumer
	for _, n := range w.readers[name] {
		if !standard(n) || n.Inputs[0] != name {
			return nil
		}
		switch n.OpType {
		case "Relu", "LeakyRelu", "MaxPool", "AveragePool", "GlobalAveragePool", "Flatten":
			if !spatial && n.OpType != "Relu" && n.OpType != "LeakyRelu" || n.OpType == "Flatten" && n.Int("axis", 1) != 1 {
				return nil
			}
			next := q.follow(n.Outputs[0], channels, spatial && n.OpType != "Flatten", depth-1)
			if next == nil {
				return nil
			}
			all = append(all, next...)
			continue
		case "Conv", "Gemm", "MatMul":
		default:
			return nil
		}
		r := rules[n.OpType]
		if r.Fits(w, n) != "" || (n.OpType == "Conv") != spatial {
			return nil
		}
		block := 1
		if n.OpType != "Conv" {
			fan := int(w.constant(n.Inputs[1]).Dims[1-r.Axis(n)])
			if fan%channels != 0 {
				return nil
			}
			block = fan / channels
		}
		all = append(all, consumer{n, n.Inputs[0], block})
	}
	return all
}

// eachWeight visits the weights that read each channel, storing what visit changes
// in a weight of the reader's own.
func (q *equaliser) eachWeight(r consumer, channels int, visit func(channel int, v *float32), store bool) bool {
	t := q.w.constant(r.node.Inputs[1])
	v := q.w.float(r.node.Inputs[1])
	if r.node.OpType == "Conv" {
		groups, fan := int(r.node.Int("group", 1)), int(t.Dims[1])
		if groups*fan != channels {
			return false
		}
		inner := len(v) / int(t.Dims[0]) / fan
		per := int(t.Dims[0]) / groups
		for i := range v {
			visit(i/inner/fan/per*fan+i/inner%fan, &v[i])
		}
	} else {
		axis := 1 - rules[r.node.OpType].Axis(r.node)
		columns := int(t.Dims[1])
		for i := range v {
			f := i / columns
			if axis == 1 {
				f = i % columns
			}
			visit(f/r.block, &v[i])
		}
	}
	if store {
		q.replace(r.node, 1, v)
	}
	return true
}

// divide scales the channels of what a producer computes.
func (q *equaliser) divide(n *onnx.Node, s []float64) {
	v := q.w.float(n.Inputs[1])
	if n.OpType == "LayerNormalization" {
		for i := range v {
			v[i] /= float32(s[i])
		}
	} else {
		g := &grid{dims: q.w.constant(n.Inputs[1]).Dims, axis: rules[n.OpType].Axis(n)}
		for i := range v {
			v[i] /= float32(s[g.channel(i)])
		}
	}
	q.replace(n, 1, v)
	if len(n.Inputs) > 2 && n.Inputs[2] != "" {
		b := q.w.float(n.Inputs[2])
		for i := range b {
			b[i] /= float32(s[i])
		}
		q.replace(n, 2, b)
	}
}

// replace gives a node a constant of its own in the place of another: in place
// where nobody else reads it.
func (q *equaliser) replace(n *onnx.Node, at int, v []float32) {
	t := q.w.constant(n.Inputs[at])
	fresh := onnx.NewFloat32(t.Name, t.Dims, v)
	if q.w.only(t.Name, n) {
		t.Data = fresh.Data
		return
	}
	n.Inputs[at] = q.b.Init(fresh)
	q.w.init[n.Inputs[at]] = fresh
	q.w.readers[n.Inputs[at]] = []*onnx.Node{n}
}
