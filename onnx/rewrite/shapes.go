// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"slices"
	"strconv"

	"github.com/kdcompress/kdcompress/onnx"
)

// shapes are the dimensions of tensors as far as they follow from those of the
// inputs. A dimension is a size, a symbol, or unknown (-1 without a symbol). A
// tensor that is missing has an unknown rank.
type shapes map[string][]onnx.Dim

var unknown = onnx.Dim{Size: -1}

// inputShapes are those of inputs and initializers. A dimension that an input
// leaves open without a name gets one.
func inputShapes(g *onnx.Graph) shapes {
	s := shapes{}
	for _, v := range g.DataInputs() {
		if !v.Ranked || v.Kind != "tensor" {
			continue
		}
		dims := slices.Clone(v.Dims)
		for i, d := range dims {
			if d.Size < 0 && d.Param == "" {
				dims[i] = onnx.Symbolic(v.Name + ":" + strconv.Itoa(i))
			}
		}
		s[v.Name] = dims
	}
	for _, t := range g.Initializers {
		dims := make([]onnx.Dim, len(t.Dims))
		for i, d := range t.Dims {
			dims[i] = onnx.Fixed(d)
		}
		s[t.Name] = dims
	}
	return s
}

// infer adds the shape of a node's first output where it is known. Constant
// integer operands come from ints.
func (s shapes) infer(n *onnx.Node, opset int64, ints func(operand int) ([]int64, bool)) {
	if !standard(n) || len(n.Inputs) == 0 || len(n.Outputs) == 0 {
		return
	}
	x, ok := s[n.Inputs[0]]
	if !ok {
		return
	}
	if out := s.of(n, x, opset, ints); out != nil {
		s[n.Outputs[0]] = out
	}
}

func (s shapes) of(n *onnx.Node, x []onnx.Dim, opset int64, ints func(operand int) ([]int64, bool)) []onnx.Dim {
	axis := func(def int64) (int, bool) {
		a := n.Int("axis", def)
		if a < 0 {
			a += int64(len(x))
		}
		return int(a), a >= 0 && a < int64(len(x))
	}
	switch n.OpType {
	case "Relu", "LeakyRelu", "Sigmoid", "Tanh", "Elu", "Selu", "Celu", "Gelu", "Erf", "Exp", "Log", "Sqrt", "Neg", "Abs", "Cast", "Identity", "Clip",
		"BatchNormalization", "InstanceNormalization", "LayerNormalization", "Dropout", "Softmax", "LogSoftmax", "HardSigmoid", "HardSwish", "Softplus",
		"Mish", "LRN", "Floor", "Ceil", "Round", "Reciprocal", "Not", "ThresholdedRelu", "Softsign", "Sin", "Cos", "Swish", "LpNormalization", "GroupNormalization":
		return x
	case "Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Sum", "Mean", "PRelu", "Where", "Equal", "Greater", "Less", "And", "Or":
		out := x
		for _, in := range n.Inputs[1:] {
			y, ok := s[in]
			if !ok {
				return nil
			}
			out = broadcast(out, y)
		}
		return out
	case "Conv", "MaxPool", "AveragePool":
		return s.windows(n, x)
	case "GlobalAveragePool", "GlobalMaxPool":
		out := slices.Clone(x)
		for i := 2; i < len(out); i++ {
			out[i] = onnx.Fixed(1)
		}
		return out
	case "Gemm":
		w, ok := s[n.Inputs[1]]
		if !ok || len(x) != 2 || len(w) != 2 {
			return nil
		}
		return []onnx.Dim{x[n.Int("transA", 0)&1], w[1-n.Int("transB", 0)&1]}
	case "MatMul":
		w, ok := s[n.Inputs[1]]
		if !ok || len(x) < 2 || len(w) < 2 {
			return nil
		}
		lead := broadcast(x[:len(x)-2], w[:len(w)-2])
		return append(slices.Clone(lead), x[len(x)-2], w[len(w)-1])
	case "Flatten":
		a := n.Int("axis", 1)
		if a < 0 {
			a += int64(len(x))
		}
		if a < 0 || a > int64(len(x)) {
			return nil
		}
		return []onnx.Dim{times(x[:a]), times(x[a:])}
	case "Transpose":
		perm := n.Ints("perm", nil)
		out := make([]onnx.Dim, len(x))
		for i := range out {
			from := len(x) - 1 - i
			if perm != nil {
				if len(perm) != len(x) || perm[i] < 0 || int(perm[i]) >= len(x) {
					return nil
				}
				from = int(perm[i])
			}
			out[i] = x[from]
		}
		return out
	case "Concat":
		a, ok := axis(1)
		if !ok {
			return nil
		}
		out := slices.Clone(x)
		for _, in := range n.Inputs[1:] {
			y, ok := s[in]
			if !ok || len(y) != len(x) {
				return nil
			}
			if out[a].Size < 0 || y[a].Size < 0 {
				out[a] = unknown
				continue
			}
			out[a].Size += y[a].Size
		}
		return out
	case "Gather":
		i, known := s[n.Inputs[1]]
		a, ok := axis(0)
		if !ok || !known {
			return nil
		}
		return slices.Concat(x[:a], i, x[a+1:])
	case "Unsqueeze", "Squeeze":
		axes := n.Ints("axes", nil)
		if opset >= 13 {
			var ok bool
			if axes, ok = ints(1); !ok {
				return nil
			}
		}
		return squeezed(x, axes, n.OpType == "Unsqueeze")
	case "Reshape":
		shape, ok := ints(1)
		if !ok {
			return nil
		}
		return reshaped(x, shape, n.Int("allowzero", 0) != 0)
	}
	return nil
}

// broadcast joins two shapes as the arithmetic operators do.
func broadcast(a, b []onnx.Dim) []onnx.Dim {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := slices.Clone(a)
	for i, d := range b {
		at := &out[len(a)-len(b)+i]
		switch {
		case *at == d || d.Size == 1:
		case at.Size == 1:
			*at = d
		case at.Size > 1: // the other one is open and must be the same
		case d.Size > 1:
			*at = d
		default:
			*at = unknown
		}
	}
	return out
}

// times is the product of dimensions: known where all are, or where all but one
// are 1.
func times(dims []onnx.Dim) onnx.Dim {
	out := onnx.Fixed(1)
	for _, d := range dims {
		switch {
		case d.Size == 1:
		case out.Size == 1:
			out = d
		case out.Size >= 0 && d.Size >= 0:
			out.Size *= d.Size
		default:
			return unknown
		}
	}
	return out
}

// windows is the shape behind a convolution or a pooling; sizes of pictures that
// padding or rounding makes hard to tell are unknown.
func (s shapes) windows(n *onnx.Node, x []onnx.Dim) []onnx.Dim {
	out := slices.Clone(x)
	for i := 2; i < len(out); i++ {
		out[i] = unknown
	}
	size := n.Ints("kernel_shape", nil)
	if n.OpType == "Conv" {
		w, ok := s[n.Inputs[1]]
		if !ok || len(w) != len(x) || len(x) < 3 {
			return nil
		}
		out[1] = w[0]
		if size == nil {
			for _, d := range w[2:] {
				size = append(size, d.Size)
			}
		}
	}
	if len(size) != len(x)-2 || n.String("auto_pad", "NOTSET") != "NOTSET" || n.Int("ceil_mode", 0) != 0 {
		return out
	}
	pick := func(name string, i int, def int64) int64 {
		if v := n.Ints(name, nil); i < len(v) {
			return v[i]
		}
		return def
	}
	for i := range size {
		d := x[2+i].Size
		if d < 0 || size[i] < 0 {
			continue
		}
		span := (size[i]-1)*pick("dilations", i, 1) + 1
		d += pick("pads", i, 0) + pick("pads", i+len(size), 0) - span
		out[2+i] = onnx.Fixed(d/max(pick("strides", i, 1), 1) + 1)
	}
	return out
}

// squeezed inserts axes of size 1, or takes them out.
func squeezed(x []onnx.Dim, axes []int64, insert bool) []onnx.Dim {
	rank := len(x)
	if insert {
		rank += len(axes)
	}
	at := map[int]bool{}
	for _, a := range axes {
		if a < 0 {
			a += int64(rank)
		}
		if a < 0 || int(a) >= rank {
			return nil
		}
		at[int(a)] = true
	}
	out := make([]onnx.Dim, 0, rank)
	if insert {
		for i := range rank {
			if at[i] {
				out = append(out, onnx.Fixed(1))
			} else if len(x) > 0 {
				out, x = append(out, x[0]), x[1:]
			}
		}
		return out
	}
	if len(axes) == 0 {
		return nil
	}
	for i, d := range x {
		if !at[i] {
			out = append(out, d)
		}
	}
	return out
}

// reshaped is a shape after a Reshape to constants.
func reshaped(x []onnx.Dim, shape []int64, allowZero bool) []onnx.Dim {
	out := make([]onnx.Dim, len(shape))
	rest, used := -1, slices.Clone(x)
	for i, d := range shape {
		switch {
		case d == 0 && !allowZero:
			if i >= len(x) {
				return nil
			}
			out[i] = x[i]
		case d < 0:
			rest, out[i] = i, unknown
		default:
			out[i] = onnx.Fixed(d)
		}
	}
	if rest < 0 {
		return out
	}
	// What is copied is on both sides; of the remainder, sizes divide.
	known := int64(1)
	for i, d := range out {
		if i == rest {
			continue
		}
		if at := slices.Index(used, d); at >= 0 {
			used = slices.Delete(used, at, at+1)
		} else if d.Size > 0 {
			known *= d.Size
		} else {
			return out
		}
	}
	all := times(used)
	switch {
	case known == 1:
		out[rest] = all
	case all.Size > 0 && all.Size%known == 0:
		out[rest] = onnx.Fixed(all.Size / known)
	}
	return out
}
