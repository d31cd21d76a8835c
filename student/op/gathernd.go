// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// GatherND takes slices of the data: the last axis of the indices holds a position
// on each of the data's first axes behind batch_dims common ones.
//
// https://onnx.ai/onnx/operators/onnx__GatherND.html
// Since opset 11; 12 brought batch_dims, 13 only added types.
var _ = register(Op{
	Name: "GatherND", Since: 11,
	Bind32: bindGatherND[float32], Bind64: bindGatherND[float64],
	Cases: []Case{
		{Name: "one batch axis", Attrs: batchDims(1), In: []Arg{{Shape: []int{5, 4, 3}}, {Shape: []int{5, 2, 1}, Lo: -4, Hi: 4, Type: onnx.Int64, Batched: true}}},
		{Name: "elements", Attrs: batchDims(1), In: []Arg{{Shape: []int{5, 3, 3}}, {Shape: []int{5, 2, 2}, Lo: 0, Hi: 3, Type: onnx.Int64, Batched: true}}},
		{Name: "two batch axes", Attrs: batchDims(2), In: []Arg{{Shape: []int{5, 2, 3, 4}}, {Shape: []int{5, 2, 1}, Lo: 0, Hi: 3, Type: onnx.Int64, Batched: true}}},
		{Name: "table", In: []Arg{{Shape: []int{4, 4, 2}, Shared: true}, {Shape: []int{5, 3, 2}, Lo: -4, Hi: 4, Type: onnx.Int64, Batched: true}}},
		{Name: "samples", In: []Arg{{Shape: []int{5, 3}}, {Shape: []int{3, 2}, Ints: []int64{0, 1, 4, 2, -1, -1}}}},
		{Name: "oldest opset", Opset: 11, In: []Arg{{Shape: []int{5, 3}}, {Shape: []int{2, 1}, Ints: []int64{3, 0}}}},
		{Name: "constant indices a sample", Attrs: batchDims(1), In: []Arg{{Shape: []int{5, 3}}, {Shape: []int{5, 1}, Ints: []int64{0, 1, 2, 1, 0}}}},
		{Name: "one weight", In: []Arg{{Shape: []int{3}, Shared: true}, {Shape: []int{1}, Ints: []int64{1}}}},
		{Name: "weights", In: []Arg{{Shape: []int{3, 2}, Shared: true}, {Shape: []int{2, 2}, Ints: []int64{0, 1, 0, 1}}}},
	},
})

// batchDims is the attribute batch_dims.
func batchDims(n int64) []onnx.Attr { return []onnx.Attr{onnx.Int("batch_dims", n)} }

func bindGatherND[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(2, 2, 1); err != nil {
		return nil, err
	}
	common := int(n.Int("batch_dims", 0))
	t, err := n.newTuples(common)
	if err != nil {
		return nil, err
	}
	x, indices := &n.In[0], &n.In[1]
	byBatch := common > 0 && x.Batched && indices.Batched
	byIndex := common == 0 && len(indices.Shape) > 1 && !x.Batched && indices.Batched
	blocks := n.count(Len(x.Shape[:common]), byBatch)
	last := len(indices.Shape) - 1
	each := n.count(Len(indices.Shape[common:last]), byIndex)
	shape := joined(indices.Shape[:last], x.Shape[common+t.len():])
	k := result[T](n, shape, byBatch || byIndex)
	k.ReadsIn = []int{1}
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		x, y, from := f.In[0], f.Out[0], f.In[1]
		for range blocks.of(f.N) {
			for range each.of(f.N) {
				copy(y[:t.inner], x[tupleAt(t, from):])
				y, from = y[t.inner:], from[t.len():]
			}
			x = x[t.block:]
		}
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		dx, dy, from := f.DIn[0], f.DOut[0], f.In[1]
		if dx == nil {
			return
		}
		for range blocks.of(f.N) {
			for range each.of(f.N) {
				o := tupleAt(t, from)
				kernel.Add(dx[o:o+t.inner], dy[:t.inner])
				dy, from = dy[t.inner:], from[t.len():]
			}
			dx = dx[t.block:]
		}
	}}
	return k, nil
}

// tuples is how GatherND and ScatterND address their data: a tuple of the indices
// holds a position for each of the limits.
type tuples struct {
	limits, steps []int
	inner, block  int // elements of a slice, and of the data behind the batch axes
}

func (t *tuples) len() int { return len(t.limits) }

// tupleAt is the offset of the slice that the first tuple names.
func tupleAt[T kernel.Float](t *tuples, from []T) int {
	o := 0
	for j, d := range t.limits {
		o += index(from[j], d) * t.steps[j]
	}
	return o
}

// newTuples reads data (input 0) and indices (input 1), of which the first axes are
// common.
func (n *Node) newTuples(common int) (*tuples, error) {
	x, indices := n.In[0].Shape, n.In[1].Shape
	last := len(indices) - 1
	if last < 0 || common < 0 || common > last || common > len(x) || common+indices[last] > len(x) || !slices.Equal(x[:common], indices[:common]) {
		return nil, fmt.Errorf("indices of shape %v do not fit data of shape %v with %d common axes", indices, x, common)
	}
	k := indices[last]
	behind := common + k
	t := &tuples{limits: x[common:behind], inner: Len(x[behind:]), block: Len(x[common:])}
	t.steps = strides(x)[common:behind]
	return t, n.checkIndices(1, t.limits...)
}
