// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Concat joins tensors along an axis in which alone their shapes differ.
//
// https://onnx.ai/onnx/operators/onnx__Concat.html
// Opset 4 made axis mandatory, 11 allowed a negative one, 13 only added types.
var _ = register(Op{
	Name: "Concat", Since: 4,
	Bind32: bindConcat[float32], Bind64: bindConcat[float64],
	Cases: []Case{
		{Name: "channels", Attrs: along(1), In: []Arg{{Shape: []int{5, 2, 3, 4}}, {Shape: []int{5, 3, 3, 4}, Batched: true}, {Shape: []int{5, 1, 3, 4}, Batched: true}}},
		{Name: "oldest opset", Opset: 7, Attrs: along(1), In: []Arg{{Shape: []int{5, 2}}, {Shape: []int{5, 3}, Batched: true}}},
		{Name: "last axis", Attrs: along(-1), In: []Arg{{Shape: []int{5, 2, 3}}, {Shape: []int{5, 2, 1}, Batched: true}}},
		{Name: "one input", Attrs: along(1), In: []Arg{{Shape: []int{5, 2, 3}}}},
		{Name: "empty part", Attrs: along(1), In: []Arg{{Shape: []int{5, 2}}, {Shape: []int{5, 0}, Batched: true}}},
		{Name: "two images a sample", Attrs: along(1), In: []Arg{{Shape: []int{10, 2}}, {Shape: []int{10, 1}, Batched: true}}},
		{Name: "along the batch", Attrs: along(0), In: []Arg{{Shape: []int{5, 2}}, {Shape: []int{5, 2}, Batched: true}}},
		{Name: "with weights", Attrs: along(1), In: []Arg{{Shape: []int{5, 2}}, {Shape: []int{5, 3}}}},
		{Name: "weights", Attrs: along(0), In: []Arg{{Shape: []int{3, 2}, Shared: true}, {Shape: []int{1, 2}}}},
	},
})

// along is the attribute axis.
func along(axis int64) []onnx.Attr { return []onnx.Attr{onnx.Int("axis", axis)} }

func bindConcat[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(1, max(len(n.In), 1), 1); err != nil {
		return nil, err
	}
	if n.Attr("axis") == nil {
		return nil, fmt.Errorf("attribute axis is missing")
	}
	shape := slices.Clone(n.In[0].Shape)
	at, err := axis(n.Int("axis", 0), len(shape))
	if err != nil {
		return nil, err
	}
	batched := at > 0
	widths := make([]int, len(n.In)) // elements that each input gives to a row
	shape[at] = 0
	for i := range n.In {
		in := &n.In[i]
		if len(in.Shape) != len(shape) {
			return nil, fmt.Errorf("input %d has shape %v, input 0 %v; they may differ in axis %d alone", i, in.Shape, n.In[0].Shape, at)
		}
		for j, d := range in.Shape {
			if j != at && d != shape[j] {
				return nil, fmt.Errorf("input %d has shape %v, input 0 %v; they may differ in axis %d alone", i, in.Shape, n.In[0].Shape, at)
			}
		}
		shape[at] += in.Shape[at]
		widths[i] = Len(in.Shape[at:])
		batched = batched && in.Batched
	}
	rows := n.count(Len(shape[:at]), batched)
	k := result[T](n, shape, batched)
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		y := f.Out[0]
		for r := range rows.of(f.N) {
			for i, w := range widths {
				copy(y[:w], f.In[i][r*w:])
				y = y[w:]
			}
		}
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		dy := f.DOut[0]
		for r := range rows.of(f.N) {
			for i, w := range widths {
				if f.DIn[i] != nil {
					kernel.Add(f.DIn[i][r*w:(r+1)*w], dy[:w])
				}
				dy = dy[w:]
			}
		}
	}}
	return k, nil
}
