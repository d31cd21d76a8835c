// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Gather takes the entries of an axis at the positions an index tensor lists, whose
// axes replace that axis: the rows of an embedding table for token ids, a column of
// every sample. The gradient of the data is dense: it adds each entry's gradient
// to the position it came from.
//
// https://onnx.ai/onnx/operators/onnx__Gather.html
// Opset 11 allowed negative indices; 13 only added types.
var _ = register(Op{
	Name: "Gather", Since: 1,
	Bind32: bindGather[float32], Bind64: bindGather[float64],
	Cases: []Case{
		{Name: "embedding", In: []Arg{{Shape: []int{9, 4}, Shared: true}, {Shape: []int{5, 3}, Lo: -9, Hi: 9, Type: onnx.Int64, Batched: true}}},
		{Name: "oldest opset", Opset: 7, In: []Arg{{Shape: []int{9, 4}, Shared: true}, {Shape: []int{5, 3}, Lo: 0, Hi: 9, Type: onnx.Int64, Batched: true}}},
		{Name: "embedding, two rows a sample", In: []Arg{{Shape: []int{9, 4}, Shared: true}, {Shape: []int{10}, Lo: 0, Hi: 9, Type: onnx.Int32, Batched: true}}},
		{Name: "column of an embedding", Attrs: along(1), In: []Arg{{Shape: []int{4, 9}, Shared: true}, {Shape: []int{5}, Lo: 0, Hi: 9, Type: onnx.Int64, Batched: true}}},
		{Name: "first token", Attrs: along(1), In: []Arg{{Shape: []int{5, 4, 3}}, {Shape: []int{}, Ints: []int64{0}}}},
		{Name: "columns", Attrs: along(-1), In: []Arg{{Shape: []int{5, 4, 3}}, {Shape: []int{2, 2}, Ints: []int64{0, -1, 2, 0}}}},
		{Name: "two images a sample", Attrs: along(1), In: []Arg{{Shape: []int{10, 4}}, {Shape: []int{2}, Ints: []int64{3, 1}}}},
		{Name: "samples", In: []Arg{{Shape: []int{5, 4}}, {Shape: []int{3}, Ints: []int64{4, 0, 4}}}},
		{Name: "samples by samples", Attrs: along(1), In: []Arg{{Shape: []int{5, 4}}, {Shape: []int{5}, Lo: 0, Hi: 4, Type: onnx.Int64, Batched: true}}},
		{Name: "one weight", In: []Arg{{Shape: []int{3}, Shared: true}, {Shape: []int{}, Ints: []int64{1}}}},
		{Name: "weights", In: []Arg{{Shape: []int{3, 4}, Shared: true}, {Shape: []int{2}, Ints: []int64{2, 2}}}},
	},
})

func bindGather[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(2, 2, 1); err != nil {
		return nil, err
	}
	x, indices := &n.In[0], &n.In[1]
	at, err := axis(n.Int("axis", 0), len(x.Shape))
	if err != nil {
		return nil, err
	}
	d := x.Shape[at]
	if err := n.checkIndices(1, d); err != nil {
		return nil, err
	}
	if d == 0 && indices.Len() > 0 {
		return nil, fmt.Errorf("axis %d of shape %v has no positions", at, x.Shape)
	}
	shape := joined(x.Shape[:at], indices.Shape, x.Shape[at+1:])
	byData := x.Batched && at > 0 && !indices.Batched
	byIndex := !x.Batched && at == 0 && indices.Batched
	outer := n.count(Len(x.Shape[:at]), byData)
	each := n.count(indices.Len(), byIndex)
	inner := Len(x.Shape[at+1:])
	k := result[T](n, shape, byData || byIndex)
	k.ReadsIn = []int{1}
	if !x.Batched && at == 0 {
		k.Rows = inner
	}
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		y, x, from := f.Out[0], f.In[0], f.In[1][:each.of(f.N)]
		for range outer.of(f.N) {
			for _, v := range from {
				i := index(v, d)
				copy(y[:inner], x[i*inner:])
				y = y[inner:]
			}
			x = x[d*inner:]
		}
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		dx := f.DIn[0]
		if dx == nil {
			return
		}
		dy, from := f.DOut[0], f.In[1][:each.of(f.N)]
		for range outer.of(f.N) {
			for _, v := range from {
				i := index(v, d)
				kernel.Add(dx[i*inner:(i+1)*inner], dy[:inner])
				dy = dy[inner:]
			}
			dx = dx[d*inner:]
		}
	}}
	return k, nil
}
