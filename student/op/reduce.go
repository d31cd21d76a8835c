// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// reduction is a bound sum over axes, times a factor: of one for ReduceSum, of one
// over the number of summands for ReduceMean.
type reduction[T kernel.Float] struct {
	walk  *walk // over the input, beside itself and the output
	scale T
}

// bindReduction binds a sum over axes. The axes are an attribute before opset
// asInput and input 1 from there on; none means all of them, or with
// noop_with_empty_axes nothing to sum.
func bindReduction[T kernel.Float](n *Node, asInput int, mean bool) (*Kernel[T], error) {
	most := 1
	if n.Opset >= asInput {
		most = 2
	}
	if err := n.arity(1, most, 1); err != nil {
		return nil, err
	}
	x := &n.In[0]
	list := n.Ints("axes", nil)
	if n.Opset >= asInput {
		list = nil
		if n.Has(1) {
			var err error
			if list, err = n.ints(1, "axes"); err != nil {
				return nil, err
			}
		}
	}
	over, err := axes(list, len(x.Shape))
	if err != nil {
		return nil, err
	}
	if len(over) == 0 && (n.Opset < asInput || n.Int("noop_with_empty_axes", 0) == 0) {
		for i := range x.Shape {
			over = append(over, i)
		}
	}
	ones := append([]int{}, x.Shape...) // the output's shape with all axes kept
	summands := 1
	for _, a := range over {
		summands *= x.Shape[a]
		ones[a] = 1
	}
	shape := ones
	if n.Int("keepdims", 1) == 0 {
		shape = []int{}
		for i, d := range ones {
			if len(over) > 0 && over[0] == i {
				over = over[1:]
				continue
			}
			shape = append(shape, d)
		}
	}
	batched := x.Batched && len(x.Shape) > 0 && len(ones) > 0 && ones[0] == x.Shape[0] && len(shape) > 0 && shape[0] == x.Shape[0]
	r := &reduction[T]{scale: 1}
	if mean {
		r.scale = T(1 / float64(summands))
	}
	if r.walk, err = n.newWalk(x.Shape, x.Shape, ones, batched); err != nil {
		return nil, err
	}
	k := result[T](n, shape, batched)
	k.Forward = []Phase[T]{r.forward}
	k.Backward = []Phase[T]{r.backward}
	return k, nil
}

func (r *reduction[T]) forward(f *Frame[T]) {
	x, y := f.In[0], f.Out[0]
	clear(y)
	for at := r.walk.start(f.N); at.next(); {
		addTo(y[at.b:at.b+at.lenB], x[at.o:at.o+at.len], 1)
	}
	if r.scale != 1 {
		kernel.Scal(y, r.scale)
	}
}

func (r *reduction[T]) backward(f *Frame[T]) {
	if f.DIn[0] == nil {
		return
	}
	dx, dy := f.DIn[0], f.DOut[0]
	for at := r.walk.start(f.N); at.next(); {
		d, g := dx[at.o:at.o+at.len], dy[at.b:at.b+at.lenB]
		if len(g) == len(d) {
			kernel.Axpy(d, r.scale, g)
			continue
		}
		s := r.scale * g[0]
		for i := range d {
			d[i] += s
		}
	}
}

// reduceCases are the axes every reduction is checked over.
func reduceCases(asInput int) []Case {
	in := func(shape []int, axes ...int64) []Arg {
		return []Arg{{Shape: shape}, {Ints: append([]int64{}, axes...), Shape: []int{len(axes)}}}
	}
	images := []int{5, 3, 4, 2}
	keep, drop := onnx.Int("keepdims", 1), onnx.Int("keepdims", 0)
	return []Case{
		{Name: "positions", In: in(images, 2, 3)},
		{Name: "positions dropped", Attrs: []onnx.Attr{drop}, In: in(images, -1, -2)},
		{Name: "middle axis", Attrs: []onnx.Attr{drop}, In: in(images, 1)},
		{Name: "uneven axes", Attrs: []onnx.Attr{keep}, In: in(images, 1, 3)},
		{Name: "over the batch", Attrs: []onnx.Attr{drop}, In: in(images, 0, 2)},
		{Name: "over everything", Attrs: []onnx.Attr{drop}, In: []Arg{{Shape: images}}},
		{Name: "empty axes", In: in(images)},
		{Name: "empty axes, nothing to do", Attrs: []onnx.Attr{onnx.Int("noop_with_empty_axes", 1)}, In: in(images)},
		{Name: "two images a sample", In: in([]int{10, 3}, 1)},
		{Name: "axes attribute", Opset: asInput - 1, Attrs: []onnx.Attr{onnx.Ints("axes", -1, 1), drop}, In: []Arg{{Shape: images}}},
		{Name: "oldest opset", Opset: 7, Attrs: []onnx.Attr{onnx.Ints("axes", 2)}, In: []Arg{{Shape: images}}},
		{Name: "weights", In: []Arg{{Shape: []int{3, 4}, Shared: true}, {Ints: []int64{0}, Shape: []int{1}}}},
	}
}
