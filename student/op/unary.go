// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// unary is an elementwise operator of its first input.
type unary[T kernel.Float] struct {
	fwd func(y, x []T)
	// bwd adds to dx; x and y are nil unless read.
	bwd func(dx, dy, x, y []T)
	// set does it without what dx has held; nil where there is no such loop.
	set          func(dx, dy, x, y []T)
	readX, readY bool
}

// bind places a unary operator. It works sample by sample whatever the shape.
func (e unary[T]) bind(n *Node) *Kernel[T] {
	x := &n.In[0]
	k := result[T](n, x.Shape, x.Batched)
	k.Forward = []Phase[T]{func(f *Frame[T]) { e.fwd(f.Out[0], f.In[0]) }}
	if e.bwd == nil {
		return k
	}
	if e.readX {
		k.ReadsIn = []int{0}
	}
	if e.readY {
		k.ReadsOut = []int{0}
	}
	if e.set != nil {
		k.Sets = []int{0}
	}
	if e.readX && !e.readY {
		k.Again = k.Forward[0]
	}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		if f.DIn[0] == nil {
			return
		}
		var x, y []T
		if e.readX {
			x = f.In[0]
		}
		if e.readY {
			y = f.Out[0]
		}
		if f.Fresh[0] {
			e.set(f.DIn[0], f.DOut[0], x, y)
			return
		}
		e.bwd(f.DIn[0], f.DOut[0], x, y)
	}}
	return k
}

// plain binds a unary operator that has one input and no parameter.
func (e unary[T]) plain(n *Node) (*Kernel[T], error) {
	if err := n.arity(1, 1, 1); err != nil {
		return nil, err
	}
	return e.bind(n), nil
}

// pointwise binds a unary operator by its value and its slope at x, in float64.
func pointwise[T kernel.Float](n *Node, value, slope func(float64) float64) (*Kernel[T], error) {
	return unary[T]{
		fwd: func(y, x []T) {
			for i, v := range x {
				y[i] = T(value(float64(v)))
			}
		},
		bwd: func(dx, dy, x, _ []T) {
			for i, v := range x {
				dx[i] += dy[i] * T(slope(float64(v)))
			}
		},
		readX: true,
	}.plain(n)
}

// piecewise binds a unary operator whose value is piecewise constant.
func piecewise[T kernel.Float](n *Node, value func(float64) float64) (*Kernel[T], error) {
	return unary[T]{fwd: func(y, x []T) {
		for i, v := range x {
			y[i] = T(value(float64(v)))
		}
	}}.plain(n)
}

// forwardOnly marks cases as without a gradient.
func forwardOnly(cases []Case) []Case {
	for i := range cases {
		cases[i].ForwardOnly = true
	}
	return cases
}

// less is 1 where a < b and else 0. Picking a slope from a table by it costs no
// branch; on random signs a branch is mispredicted every other time.
func less[T kernel.Float](a, b T) int {
	if a < b {
		return 1
	}
	return 0
}

// unaryCases are the shapes every unary operator is checked in, with inputs from
// arg's range.
func unaryCases(oldest int, arg Arg, attrs ...onnx.Attr) []Case {
	with := func(shared bool, shape ...int) []Arg {
		a := arg
		a.Shape, a.Shared = shape, shared
		return []Arg{a}
	}
	return []Case{
		{Name: "rows", Attrs: attrs, In: with(false, 5, 7)},
		{Name: "oldest opset", Opset: oldest, Attrs: attrs, In: with(false, 5, 7)},
		{Name: "images", Attrs: attrs, In: with(false, 5, 2, 3, 5)},
		{Name: "two images a sample", Attrs: attrs, In: with(false, 10, 3)},
		{Name: "one number a sample", Attrs: attrs, In: with(false, 5)},
		{Name: "no elements", Attrs: attrs, In: with(false, 5, 0)},
		{Name: "weights", Attrs: attrs, In: with(true, 3, 3)},
		{Name: "scalar weight", Attrs: attrs, In: with(true)},
	}
}
