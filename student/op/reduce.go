// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// reduction is a bound reduction over axes: a walk over the input, beside itself and
// the output.
type reduction struct {
	walk  *walk
	taken int   // elements of the input for one of the output
	size  count // elements of the output
}

// newReduction reads the axes and returns the kernel without its phases. The axes
// are an attribute before opset asInput and input 1 from there on; none means all
// of them, or with noop_with_empty_axes that every element is reduced alone.
func newReduction[T kernel.Float](n *Node, asInput int) (*reduction, *Kernel[T], error) {
	most := 1
	if n.Opset >= asInput {
		most = 2
	}
	if err := n.arity(1, most, 1); err != nil {
		return nil, nil, err
	}
	x := &n.In[0]
	list := n.Ints("axes", nil)
	if n.Opset >= asInput {
		list = nil
		if n.Has(1) {
			var err error
			if list, err = n.ints(1, "axes"); err != nil {
				return nil, nil, err
			}
		}
	}
	over, err := axes(list, len(x.Shape))
	if err != nil {
		return nil, nil, err
	}
	if len(over) == 0 && (n.Opset < asInput || n.Int("noop_with_empty_axes", 0) == 0) {
		for i := range x.Shape {
			over = append(over, i)
		}
	}
	r := &reduction{taken: 1}
	ones := append([]int{}, x.Shape...) // the output's shape with all axes kept
	for _, a := range over {
		r.taken *= x.Shape[a]
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
	batched := x.Batched && len(ones) > 0 && ones[0] == x.Shape[0] && len(shape) > 0 && shape[0] == x.Shape[0]
	r.size = n.count(Len(shape), batched)
	if r.walk, err = n.newWalk(x.Shape, x.Shape, ones, batched); err != nil {
		return nil, nil, err
	}
	return r, result[T](n, shape, batched), nil
}

// bindScaledSum binds a sum over axes times a factor, given the number of summands.
func bindScaledSum[T kernel.Float](n *Node, asInput int, factor func(summands int) T) (*Kernel[T], error) {
	r, k, err := newReduction[T](n, asInput)
	if err != nil {
		return nil, err
	}
	scale := factor(r.taken)
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		x, y := f.In[0], f.Out[0]
		clear(y)
		for at := r.walk.start(f.N); at.next(); {
			addTo(y[at.b:at.b+at.lenB], x[at.o:at.o+at.len], 1)
		}
		if scale != 1 {
			kernel.Scal(y, scale)
		}
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		if f.DIn[0] == nil {
			return
		}
		dx, dy := f.DIn[0], f.DOut[0]
		for at := r.walk.start(f.N); at.next(); {
			d, g := dx[at.o:at.o+at.len], dy[at.b:at.b+at.lenB]
			if len(g) == len(d) {
				kernel.Axpy(d, scale, g)
				continue
			}
			s := scale * g[0]
			for i := range d {
				d[i] += s
			}
		}
	}}
	return k, nil
}

// reduceCases are the axes every reduction is checked over, with inputs from arg's
// range.
func reduceCases(asInput int, arg Arg) []Case {
	x := func(shape []int) Arg {
		a := arg
		a.Shape = shape
		return a
	}
	in := func(shape []int, axes ...int64) []Arg {
		return []Arg{x(shape), {Ints: append([]int64{}, axes...), Shape: []int{len(axes)}}}
	}
	images := []int{5, 3, 4, 2}
	weights := in([]int{3, 4}, 0)
	weights[0].Shared = true
	keep, drop := onnx.Int("keepdims", 1), onnx.Int("keepdims", 0)
	return []Case{
		{Name: "positions", In: in(images, 2, 3)},
		{Name: "positions dropped", Attrs: []onnx.Attr{drop}, In: in(images, -1, -2)},
		{Name: "middle axis", Attrs: []onnx.Attr{drop}, In: in(images, 1)},
		{Name: "uneven axes", Attrs: []onnx.Attr{keep}, In: in(images, 1, 3)},
		{Name: "over the batch", Attrs: []onnx.Attr{drop}, In: in(images, 0, 2)},
		{Name: "over everything", Attrs: []onnx.Attr{drop}, In: []Arg{x(images)}},
		{Name: "empty axes", In: in(images)},
		{Name: "empty axes, nothing to do", Attrs: []onnx.Attr{onnx.Int("noop_with_empty_axes", 1)}, In: in(images)},
		{Name: "two images a sample", In: in([]int{10, 3}, 1)},
		{Name: "axes attribute", Opset: asInput - 1, Attrs: []onnx.Attr{onnx.Ints("axes", -1, 1), drop}, In: []Arg{x(images)}},
		{Name: "oldest opset", Opset: 7, Attrs: []onnx.Attr{onnx.Ints("axes", 2)}, In: []Arg{x(images)}},
		{Name: "weights", In: weights},
	}
}
