// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// GatherElements takes, at every position of an index tensor, the element of the
// data at the same position but for one axis, where the index says which.
//
// https://onnx.ai/onnx/operators/onnx__GatherElements.html
// Since opset 11; 13 only added types.
var _ = register(Op{
	Name: "GatherElements", Since: 11,
	Bind32: bindGatherElements[float32], Bind64: bindGatherElements[float64],
	Cases: []Case{
		{Name: "a class a sample", Attrs: along(1), In: []Arg{{Shape: []int{5, 4}}, {Shape: []int{5, 1}, Lo: -4, Hi: 4, Type: onnx.Int64, Batched: true}}},
		{Name: "oldest opset", Opset: 11, Attrs: along(1), In: []Arg{{Shape: []int{5, 4}}, {Shape: []int{5, 1}, Lo: -4, Hi: 4, Type: onnx.Int64, Batched: true}}},
		{Name: "middle axis", Attrs: along(1), In: []Arg{{Shape: []int{5, 4, 3}}, {Shape: []int{5, 6, 2}, Lo: 0, Hi: 4, Type: onnx.Int32, Batched: true}}},
		{Name: "last axis", Attrs: along(-1), In: []Arg{{Shape: []int{5, 4, 3}}, {Shape: []int{5, 2, 3}, Lo: 0, Hi: 3, Type: onnx.Int64, Batched: true}}},
		{Name: "two images a sample", Attrs: along(1), In: []Arg{{Shape: []int{10, 4}}, {Shape: []int{10, 2}, Lo: 0, Hi: 4, Type: onnx.Int64, Batched: true}}},
		{Name: "samples", In: []Arg{{Shape: []int{5, 2}}, {Shape: []int{2, 2}, Ints: []int64{4, 0, -1, 3}}}},
		{Name: "weights", Attrs: along(1), In: []Arg{{Shape: []int{2, 3}, Shared: true}, {Shape: []int{2, 2}, Ints: []int64{2, 2, 0, 1}}}},
	},
})

func bindGatherElements[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(2, 2, 1); err != nil {
		return nil, err
	}
	e, err := n.newElements()
	if err != nil {
		return nil, err
	}
	k := result[T](n, n.In[1].Shape, e.batched)
	k.ReadsIn = []int{1}
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		x, y, from := f.In[0], f.Out[0], f.In[1]
		for range e.lead.of(f.N) {
			for i, base := range e.bases {
				y[i] = x[base+index(from[i], e.d)*e.step]
			}
			x, y, from = x[e.block:], y[len(e.bases):], from[len(e.bases):]
		}
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		dx, dy, from := f.DIn[0], f.DOut[0], f.In[1]
		if dx == nil {
			return
		}
		for range e.lead.of(f.N) {
			for i, base := range e.bases {
				dx[base+index(from[i], e.d)*e.step] += dy[i]
			}
			dx, dy, from = dx[e.block:], dy[len(e.bases):], from[len(e.bases):]
		}
	}}
	return k, nil
}

// elements is how GatherElements and ScatterElements address their data, block by
// block: element i of a block of the indices meets element bases[i] + index*step of
// a block of the data.
type elements struct {
	batched bool
	lead    count // blocks: positions on axis 0 where batched, else one
	block   int   // elements of the data a block
	bases   []int
	d, step int // positions on the indexed axis, and the distance between them
}

// newElements reads the axis of data (input 0) and indices (input 1).
func (n *Node) newElements() (*elements, error) {
	x, indices := &n.In[0], &n.In[1]
	at, err := axis(n.Int("axis", 0), len(x.Shape))
	if err != nil {
		return nil, err
	}
	if len(indices.Shape) != len(x.Shape) {
		return nil, fmt.Errorf("indices of shape %v for data of shape %v", indices.Shape, x.Shape)
	}
	for i, d := range indices.Shape {
		if i != at && d > x.Shape[i] {
			return nil, fmt.Errorf("indices of shape %v reach beyond data of shape %v", indices.Shape, x.Shape)
		}
	}
	e := &elements{lead: count{fixed: 1}, block: x.Len(), d: x.Shape[at]}
	if err := n.checkIndices(1, e.d); err != nil {
		return nil, err
	}
	steps := strides(x.Shape)
	e.step = steps[at]
	shape := indices.Shape
	e.batched = x.Batched && indices.Batched && at > 0 && shape[0] == x.Shape[0]
	if e.batched {
		e.lead = n.count(shape[0], true)
		e.block, shape, steps, at = e.block/x.Shape[0], shape[1:], steps[1:], at-1
	}
	e.bases = make([]int, Len(shape))
	pos := make([]int, len(shape))
	for i := range e.bases {
		for j, p := range pos {
			if j != at {
				e.bases[i] += p * steps[j]
			}
		}
		advance(pos, shape)
	}
	return e, nil
}

// advance moves to the next position of a shape in row-major order.
func advance(pos, shape []int) {
	for j := len(pos) - 1; j >= 0; j-- {
		if pos[j]++; pos[j] < shape[j] {
			return
		}
		pos[j] = 0
	}
}
