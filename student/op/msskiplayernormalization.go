// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// SkipLayerNormalization is LayerNormalization over the last axis of input + skip + bias,
// with inputs input, skip, gamma, beta and bias, of which the last two may be omitted. Of
// the outputs the first and the last, the sum, are computed.
//
// https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.SkipLayerNormalization
var _ = register(Op{
	Name: "SkipLayerNormalization", Domain: Microsoft, Since: 1,
	Bind32: bindSkipLayerNormalization[float32], Bind64: bindSkipLayerNormalization[float64],
	Cases: skipCases(true),
})

func bindSkipLayerNormalization[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(3, 5, 4); err != nil {
		return nil, err
	}
	return bindSkipNorm[T](n, true, 3, 4)
}

// bindSkipNorm binds a normalisation of a sum, given the places of shift and bias among
// the inputs; 0 where the operator has none.
func bindSkipNorm[T kernel.Float](n *Node, centred bool, shift, bias int) (*Kernel[T], error) {
	x := &n.In[0]
	if len(x.Shape) == 0 || !slices.Equal(x.Shape, n.In[1].Shape) || x.Batched != n.In[1].Batched {
		return nil, fmt.Errorf("input and skip have shapes %v and %v, wants the same", x.Shape, n.In[1].Shape)
	}
	width := x.Shape[len(x.Shape)-1]
	for i := range n.In {
		if n.Has(i) && i > 1 && n.In[i].Len() != width {
			return nil, fmt.Errorf("input %d has shape %v, wants [%d]", i, n.In[i].Shape, width)
		}
	}
	for i := 1; i < min(len(n.Outputs), 3); i++ {
		if n.Outputs[i] != "" {
			return nil, fmt.Errorf("output %d (%q) cannot be computed in training; remove what reads it", i, n.Outputs[i])
		}
	}
	// The normalisation sees the sum in place of the input.
	attrs := []onnx.Attr{onnx.Float("epsilon", n.Float("epsilon", 1e-12))}
	def := &onnx.Node{OpType: n.OpType, Attrs: attrs}
	inner := *n
	inner.Node, inner.In = def, []Operand{*x, n.In[2]}
	if n.Has(shift) && shift > 0 {
		inner.In = append(inner.In, n.In[shift])
	}
	r, k, err := newRowNorm[T](&inner, centred)
	if err != nil {
		return nil, err
	}
	size := n.count(x.Len(), k.Out[0].Batched)
	summed := len(n.Outputs) > 3 && n.Outputs[3] != ""
	k.ReadsIn = []int{2}
	k.Out[0].Shape = x.Shape
	saved := k.Saved
	if summed {
		k.Out = append(k.Out, k.Out[0], k.Out[0], k.Out[0])
	}
	k.Saved += x.Len() / n.Batch // the sum
	if !k.Out[0].Batched {
		k.Saved++
	}
	fixed := k.Scratch
	k.Scratch, k.ScratchPer = fixed+size.fixed, size.per
	parts := len(inner.In)
	addBias := n.Has(bias)
	rooms := make([]struct{ in, din [3][]T }, max(n.Shards, 1)) // a shard's operands
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		sum := f.Saved[saved*f.N:][:size.of(f.N)]
		kernel.AddTo(sum, f.In[0], f.In[1])
		for at := 0; addBias && at < len(sum); at += width {
			kernel.Add(sum[at:at+width], f.In[bias])
		}
		in := &rooms[f.Shard].in
		in[0], in[1] = sum, f.In[2]
		if parts > 2 {
			in[2] = f.In[shift]
		}
		g := Frame[T]{N: f.N, Saved: f.Saved, Scratch: f.Scratch[:fixed], In: in[:parts], Out: f.Out[:1]}
		r.forward(&g)
		if summed {
			copy(f.Out[3], sum)
		}
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		sum, d := f.Saved[saved*f.N:][:size.of(f.N)], f.Scratch[fixed:][:size.of(f.N)]
		clear(d)
		in, din := &rooms[f.Shard].in, &rooms[f.Shard].din
		in[0], in[1], din[0], din[1] = sum, f.In[2], d, f.DIn[2]
		if parts > 2 {
			in[2], din[2] = f.In[shift], f.DIn[shift]
		}
		g := Frame[T]{N: f.N, Saved: f.Saved, Scratch: f.Scratch[:fixed], In: in[:parts], DIn: din[:parts], DOut: f.DOut[:1]}
		r.backward(&g)
		if summed && f.DOut[3] != nil {
			kernel.Add(d, f.DOut[3])
		}
		for _, to := range f.DIn[:2] {
			if to != nil {
				kernel.Add(to, d)
			}
		}
		if to := operand(f.DIn, bias); bias > 0 && to != nil {
			for at := 0; at < len(d); at += width {
				kernel.Add(to, d[at:])
			}
		}
	}}
	return k, nil
}

// skipCases are the forms of a normalisation of a sum; with shift there is a beta.
func skipCases(shift bool) []Case {
	x, skip, v := Arg{Shape: []int{5, 3, 8}}, Arg{Shape: []int{5, 3, 8}, Batched: true}, Arg{Shape: []int{8}}
	cases := []Case{
		{Name: "scale", In: []Arg{x, skip, v}},
		{Name: "epsilon", Attrs: []onnx.Attr{onnx.Float("epsilon", 0.1)}, In: []Arg{x, skip, v}},
	}
	all := []Arg{x, skip, v, v}
	if shift {
		all = append(all, v)
		cases = append(cases, Case{Name: "shift", In: []Arg{x, skip, v, v}}, Case{Name: "bias, no shift", In: []Arg{x, skip, v, {Omit: true}, v}})
	}
	cases = append(cases, Case{Name: "all", In: all})
	return append(cases, Case{Name: "weights", In: []Arg{{Shape: []int{3, 4}, Shared: true}, {Shape: []int{3, 4}}, {Shape: []int{4}}}})
}
