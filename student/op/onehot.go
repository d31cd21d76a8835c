// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// OneHot gives every index an axis of depth elements, which is "on" at the index and
// "off" elsewhere, everywhere where the index lies outside it. Depth and the two
// values have to be constants here.
//
// https://onnx.ai/onnx/operators/onnx__OneHot.html
// Since opset 9; 11 allowed negative indices.
var _ = register(Op{
	Name: "OneHot", Since: 9, Fixed: []int{1, 2}, Stops: true,
	Bind32: bindOneHot[float32], Bind64: bindOneHot[float64],
	Cases: []Case{
		{Name: "classes", In: oneHotOf([]int{5}, -5, 5), ForwardOnly: true},
		{Name: "oldest opset", Opset: 9, In: oneHotOf([]int{5}, 0, 4), ForwardOnly: true},
		{Name: "middle axis", Attrs: along(1), In: oneHotOf([]int{5, 3}, 0, 4), ForwardOnly: true},
		{Name: "before the batch", Attrs: along(0), In: oneHotOf([]int{5, 3}, 0, 4), ForwardOnly: true},
		{Name: "negative axis", Attrs: along(-2), In: oneHotOf([]int{5, 3}, 0, 7), ForwardOnly: true},
	},
})

// oneHotOf are batched indices in [lo, hi), a depth of four, and two values.
func oneHotOf(shape []int, lo, hi float64) []Arg {
	return []Arg{{Shape: shape, Lo: lo, Hi: hi, Type: onnx.Int64}, {Shape: []int{}, Ints: []int64{4}}, {Shape: []int{2}, Floats: []float64{-0.5, 2}}}
}

func bindOneHot[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(3, 3, 1); err != nil {
		return nil, err
	}
	depth, err := n.scalar(1, "depth", 0)
	if err != nil {
		return nil, err
	}
	if n.In[2].Const == nil {
		return nil, fmt.Errorf("input 2 (values) is computed; it has to be a constant")
	}
	values, err := onnx.Values[T](n.In[2].Const)
	if err != nil {
		return nil, err
	}
	if len(values) != 2 || !(depth >= 1 && depth <= maxElements) {
		return nil, fmt.Errorf("depth %v with %d values, wants a positive depth and two values", depth, len(values))
	}
	in := n.In[0].Shape
	at, err := axis(n.Int("axis", -1), len(in)+1)
	if err != nil {
		return nil, err
	}
	d := int(depth)
	shape := slices.Insert(slices.Clone(in), at, d)
	if err := sized(shape); err != nil {
		return nil, err
	}
	batched := n.In[0].Batched && at > 0
	outer, inner := n.count(Len(in[:at]), batched), Len(in[at:])
	k := result[T](n, shape, batched)
	k.Out[0].Type = n.In[2].Type
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		y, from := f.Out[0], f.In[0]
		kernel.Fill(y, values[0])
		for range outer.of(f.N) {
			for i, v := range from[:inner] {
				p := int(v)
				if p < 0 {
					p += d
				}
				if uint(p) < uint(d) {
					y[p*inner+i] = values[1]
				}
			}
			y, from = y[d*inner:], from[inner:]
		}
	}}
	return k, nil
}
