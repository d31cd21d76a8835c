// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"math"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// fold computes what does not depend on the samples: arithmetic on constants and
// on the sizes of tensors, as exporters write it around Reshape. Sizes that the
// file leaves open stay symbols; where a Reshape gets one, its shape becomes a
// constant that copies the dimension (0) or takes what is left (-1). Only whole
// numbers, conditions and the short lists of factors of a Resize are looked at,
// and weights are left as they are.
func fold(m *onnx.Model) error {
	folded(m.Graph, m.Opset(""))
	return nil
}

// item is an element of a folded tensor: a number, a symbol for a size, or
// unknown.
type item struct {
	known bool
	n     float64
	dim   string
}

// value is a folded tensor: a scalar or a list.
type value struct {
	t      onnx.DataType
	scalar bool
	items  []item
	// weight says that it is floating-point numbers of the file, which may be
	// weights; what is computed from such alone is left alone.
	weight bool
}

// mostFolded bounds the length of lists that are folded.
const mostFolded = 1024

func (v *value) known() bool {
	return v != nil && !slices.ContainsFunc(v.items, func(i item) bool { return !i.known })
}

// tensor is a value as a constant; all its items are known.
func (v *value) tensor(name string) *onnx.Tensor {
	var dims []int64
	if !v.scalar {
		dims = []int64{int64(len(v.items))}
	}
	n := make([]int64, len(v.items))
	f := make([]float32, len(v.items))
	for i, x := range v.items {
		n[i], f[i] = x.whole(), float32(x.n)
	}
	switch v.t {
	case onnx.Int64:
		return onnx.NewInt64(name, dims, n)
	case onnx.Bool:
		data := make([]byte, len(n))
		for i := range n {
			data[i] = byte(n[i])
		}
		return &onnx.Tensor{Name: name, Type: onnx.Bool, Dims: dims, Data: data}
	case onnx.Int32:
		var data []byte
		for _, x := range n {
			data = append(data, byte(x), byte(x>>8), byte(x>>16), byte(x>>24))
		}
		return &onnx.Tensor{Name: name, Type: onnx.Int32, Dims: dims, Data: data}
	}
	return onnx.NewFloat32(name, dims, f)
}

// folder walks a graph once.
type folder struct {
	g      *onnx.Graph
	opset  int64
	shapes shapes
	values map[string]*value
}

// folded folds a graph and reports whether it changed.
func folded(g *onnx.Graph, opset int64) bool {
	f := &folder{g: g, opset: opset, shapes: inputShapes(g), values: map[string]*value{}}
	outputs := outputSet(g)
	b := onnx.NewBuilder(g, "")
	changed := false
	var kept []*onnx.Node
	for _, n := range g.Nodes {
		if n.OpType == "Reshape" && standard(n) && f.reshape(b, n) {
			changed = true
		}
		v := f.eval(n)
		if v == nil {
			f.shapes.infer(n, opset, func(operand int) ([]int64, bool) { return f.ints(n, operand) })
			kept = append(kept, n)
			continue
		}
		out := n.Outputs[0]
		f.values[out] = v
		if v.scalar {
			f.shapes[out] = []onnx.Dim{}
		} else {
			f.shapes[out] = []onnx.Dim{onnx.Fixed(int64(len(v.items)))}
		}
		if v.known() && !outputs[out] {
			g.Initializers = append(g.Initializers, v.tensor(out))
			dropInfo(g, out)
			changed = true
			continue
		}
		kept = append(kept, n)
	}
	g.Nodes = kept
	return changed
}

// get is the folded value of an operand, nil if it has none.
func (f *folder) get(n *onnx.Node, operand int) *value {
	if operand >= len(n.Inputs) || n.Inputs[operand] == "" {
		return nil
	}
	name := n.Inputs[operand]
	if v, ok := f.values[name]; ok {
		return v
	}
	t := constant(f.g, name)
	if t == nil || len(t.Dims) > 1 || t.Len() > mostFolded {
		return nil
	}
	switch t.Type {
	case onnx.Int64, onnx.Int32, onnx.Bool, onnx.Float32:
	default:
		return nil
	}
	numbers, err := onnx.Values[float64](t)
	if err != nil {
		return nil
	}
	v := &value{t: t.Type, scalar: len(t.Dims) == 0, weight: t.Type == onnx.Float32}
	for _, x := range numbers {
		v.items = append(v.items, item{known: true, n: x})
	}
	f.values[name] = v
	return v
}

// ints reads an operand of known whole numbers.
func (f *folder) ints(n *onnx.Node, operand int) ([]int64, bool) {
	v := f.get(n, operand)
	if !v.known() {
		return nil, false
	}
	out := make([]int64, len(v.items))
	for i, x := range v.items {
		out[i] = x.whole()
	}
	return out, true
}

// whole is the number of an item as an integer. The largest integers stand for "up to the
// end"; as floats they lie beyond the range and are brought back to its bounds.
func (x item) whole() int64 {
	switch {
	case x.n >= 1<<63:
		return math.MaxInt64
	case x.n < -1<<63:
		return math.MinInt64
	}
	return int64(x.n)
}

// reshape gives a Reshape a constant shape where its own holds symbols that mean
// the same as 0 or -1 there.
func (f *folder) reshape(b *onnx.Builder, n *onnx.Node) bool {
	v := f.get(n, 1)
	if v == nil || v.known() || f.opset < 5 {
		return false
	}
	x := f.shapes[n.Inputs[0]]
	shape := make([]int64, len(v.items))
	rest, zeros := -1, false
	for i, d := range v.items {
		switch {
		case d.known:
			shape[i] = int64(d.n)
			zeros = zeros || shape[i] == 0
			if shape[i] == -1 {
				if rest >= 0 {
					return false
				}
				rest = i
			}
		case d.dim != "" && i < len(x) && x[i].Param == d.dim:
			shape[i], zeros = 0, true
		case rest < 0:
			shape[i], rest = -1, i
		default:
			return false
		}
	}
	if zeros && n.Int("allowzero", 0) != 0 {
		return false
	}
	n.Inputs[1] = b.Int64(n.Inputs[1], []int64{int64(len(shape))}, shape)
	return true
}
