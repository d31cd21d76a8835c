// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// Half returns a normalised model that computes in float16 throughout, with the
// inputs and outputs of the original: a Cast stands behind every float32 input and
// before every float32 output. Operands that the standard fixes to float32 (the
// scales of Resize) stay. It is for processors and accelerators that compute in
// float16; most processors do not and are slower with it. Models with subgraphs
// and weights beyond float16's range are errors, and so is a product that the
// runtime does not survive.
func Half(m *onnx.Model) (*onnx.Model, error) {
	w := newWiring(m)
	m = m.Clone()
	g := m.Graph
	fixed := fixedFloats(g)
	for _, t := range g.Initializers {
		if t.Type != onnx.Float32 || fixed[t.Name] {
			continue
		}
		v, err := onnx.Values[float32](t)
		if err != nil {
			return nil, err
		}
		if w.given[t.Name] || w.outputs[t.Name] {
			return nil, &onnx.Error{Err: fmt.Errorf("initializer %q is part of the interface and cannot become float16", t.Name)}
		}
		if v, ok := narrowed(v); ok {
			t.Type, t.Data = onnx.Float16, onnx.FloatData(onnx.Float16, v)
			continue
		}
		return nil, &onnx.Error{Err: fmt.Errorf("initializer %q holds numbers that float16 cannot", t.Name)}
	}
	for _, n := range g.Nodes {
		if len(n.Graphs()) > 0 {
			return nil, &onnx.Error{Node: n.Name, Op: n.OpType, Err: fmt.Errorf("subgraphs cannot be turned into float16; take fp16 storage")}
		}
		if !standard(n) {
			return nil, &onnx.Error{Node: n.Name, Op: n.OpType, Err: fmt.Errorf("operators of %s are left in float32; take fp16 storage", n.Domain)}
		}
		halveAttrs(n)
	}
	for _, v := range g.ValueInfo {
		if v.Type == onnx.Float32 && !fixed[v.Name] {
			v.Type = onnx.Float16
		}
	}
	if n := fatal(w, g); n != nil {
		return nil, &onnx.Error{Node: n.Name, Op: n.OpType, Err: fmt.Errorf("ONNX Runtime crashes where it multiplies a float16 tensor whose first axis a Transpose moved behind others; take fp16 storage")}
	}
	b := onnx.NewBuilder(g, "")
	halveInterface(g, b)
	return m, m.Check()
}

// fatal finds a MatMul that ends the process when ONNX Runtime (1.30 to 1.32) loads
// the model: behind a Transpose that moves the first axis to the last or last but one
// place and keeps the order of the others, the fusion of the two fails on the Cast
// that the runtime puts between.
func fatal(w *wiring, g *onnx.Graph) *onnx.Node {
	for _, n := range g.Nodes {
		if n.OpType != "MatMul" || !standard(n) {
			continue
		}
		for _, in := range n.Inputs {
			t := w.producer[in]
			if t == nil || t.OpType != "Transpose" {
				continue
			}
			perm := t.Ints("perm", nil)
			first := slices.Index(perm, 0)
			if first < 1 || first < len(perm)-2 {
				continue
			}
			if rest := slices.Delete(slices.Clone(perm), first, first+1); len(rest) > 1 && slices.IsSorted(rest) {
				return n
			}
		}
	}
	return nil
}

// fixedFloats are tensors that must stay float32.
func fixedFloats(g *onnx.Graph) map[string]bool {
	fixed := map[string]bool{}
	for _, n := range g.Nodes {
		from := -1
		switch n.OpType {
		case "Resize", "Upsample":
			from = 1
		case "QuantizeLinear", "DequantizeLinear":
			from = 1
		}
		for i, in := range n.Inputs {
			if from >= 0 && i >= from && in != "" {
				fixed[in] = true
			}
		}
	}
	return fixed
}

// narrowed bounds numbers to what float16 holds: infinities, which masks use,
// become its largest number. It fails where a finite one does not fit, unless it
// stands for minus infinity, as masks of attention do.
func narrowed(v []float32) ([]float32, bool) {
	v = slices.Clone(v)
	for i, x := range v {
		switch a := math.Abs(float64(x)); {
		case a <= float16Most:
		case a > 1e30:
			v[i] = float32(math.Copysign(float16Most, float64(x)))
		default:
			return nil, false
		}
	}
	return v, true
}

// halveAttrs turns a node's float32 types and constants into float16 ones.
func halveAttrs(n *onnx.Node) {
	for i := range n.Attrs {
		a := &n.Attrs[i]
		switch {
		case (a.Name == "to" || a.Name == "dtype" || a.Name == "output_dtype") && a.Kind == onnx.AttrInt && a.I == int64(onnx.Float32):
			a.I = int64(onnx.Float16)
		case a.Kind == onnx.AttrTensor && a.T != nil && a.T.Type == onnx.Float32:
			if v, err := onnx.Values[float32](a.T); err == nil {
				if v, ok := narrowed(v); ok {
					a.T.Type, a.T.Data = onnx.Float16, onnx.FloatData(onnx.Float16, v)
				}
			}
		}
	}
	if n.OpType == "ConstantOfShape" && n.Attr("value") == nil {
		n.SetAttr(onnx.Attr{Name: "value", Kind: onnx.AttrTensor, T: &onnx.Tensor{Type: onnx.Float16, Dims: []int64{1}, Data: binary.LittleEndian.AppendUint16(nil, 0)}})
	}
}

// halveInterface puts a Cast behind float32 inputs and before float32 outputs.
func halveInterface(g *onnx.Graph, b *onnx.Builder) {
	cast := func(from, to string, t onnx.DataType) *onnx.Node {
		return &onnx.Node{OpType: "Cast", Inputs: []string{from}, Outputs: []string{to}, Attrs: []onnx.Attr{onnx.Int("to", int64(t))}}
	}
	var head, tail []*onnx.Node
	renamed := map[string]string{}
	for _, v := range g.DataInputs() {
		if v.Type == onnx.Float32 {
			h := b.Name("h")
			renamed[v.Name] = h
			head = append(head, cast(v.Name, h, onnx.Float16))
		}
	}
	made := map[string]string{}
	for _, v := range g.Outputs {
		if v.Type == onnx.Float32 && renamed[v.Name] == "" {
			h := b.Name("h")
			made[v.Name], renamed[v.Name] = h, h
			tail = append(tail, cast(h, v.Name, onnx.Float32))
		}
	}
	for _, n := range g.Nodes {
		for i, in := range n.Inputs {
			if h := renamed[in]; h != "" {
				n.Inputs[i] = h
			}
		}
		for i, o := range n.Outputs {
			if h := made[o]; h != "" {
				n.Outputs[i] = h
			}
		}
	}
	g.Nodes = slices.Concat(head, g.Nodes, tail)
}
