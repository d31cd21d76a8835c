// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Softmax: Y = e^X / Σ e^X, the sum over one axis.
//
//	dX = Y * (dY - Σ dY * Y)
//
// https://onnx.ai/onnx/operators/onnx__Softmax.html
// Before opset 13 the sum is over axis and all axes after it, and axis is 1 if not
// given; from 13 on it is over axis alone, which is -1 if not given.
var _ = register(Op{
	Name: "Softmax", Since: 1,
	Bind32: bindSoftmax[float32], Bind64: bindSoftmax[float64],
	Cases: softmaxCases(),
})

func bindSoftmax[T kernel.Float](n *Node) (*Kernel[T], error) {
	return bindRows(n, kernel.RowSoftmax[T], kernel.RowSoftmaxGrad[T])
}

// bindRows binds Softmax or LogSoftmax, given their loops over the rows of a
// matrix. Lines along another axis than the last are gathered into rows first.
func bindRows[T kernel.Float](n *Node, fwd func(y, x []T, rows, cols int), bwd func(dx, dy, y []T, rows, cols int)) (*Kernel[T], error) {
	l, batched, err := n.classLines()
	if err != nil {
		return nil, err
	}
	blocks, size, inner := l.blocks, l.size, l.inner
	k := result[T](n, n.In[0].Shape, batched)
	k.ReadsOut = []int{0}
	if inner == 1 {
		k.Forward = []Phase[T]{func(f *Frame[T]) { fwd(f.Out[0], f.In[0], blocks.of(f.N), size) }}
		k.Backward = []Phase[T]{func(f *Frame[T]) {
			if f.DIn[0] != nil {
				bwd(f.DIn[0], f.DOut[0], f.Out[0], blocks.of(f.N), size)
			}
		}}
		return k, nil
	}
	block := size * inner
	k.Scratch = 3 * block
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		from, to := f.Scratch[:block], f.Scratch[block:2*block]
		for b := range blocks.of(f.N) {
			kernel.Transpose2D(from, f.In[0][b*block:(b+1)*block], size, inner)
			fwd(to, from, inner, size)
			kernel.Transpose2D(f.Out[0][b*block:(b+1)*block], to, inner, size)
		}
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		if f.DIn[0] == nil {
			return
		}
		dx, dy, y := f.Scratch[:block], f.Scratch[block:2*block], f.Scratch[2*block:3*block]
		for b := range blocks.of(f.N) {
			clear(dx)
			kernel.Transpose2D(dy, f.DOut[0][b*block:(b+1)*block], size, inner)
			kernel.Transpose2D(y, f.Out[0][b*block:(b+1)*block], size, inner)
			bwd(dx, dy, y, inner, size)
			kernel.Transpose2D(dy, dx, inner, size)
			kernel.Add(f.DIn[0][b*block:(b+1)*block], dy)
		}
	}}
	return k, nil
}

// classLines reads what Softmax and its kin have in common: the lines over which the
// elements are compared, and whether they can be walked sample by sample.
func (n *Node) classLines() (l lines, batched bool, err error) {
	if err := n.arity(1, 1, 1); err != nil {
		return l, false, err
	}
	x := &n.In[0]
	def := int64(-1)
	if n.Opset < 13 {
		def = 1
	}
	at, err := axis(n.Int("axis", def), len(x.Shape))
	if err != nil {
		return l, false, err
	}
	batched = x.Batched && at > 0
	l = n.newLines(x.Shape, at, batched)
	if n.Opset < 13 {
		l.size, l.inner = l.size*l.inner, 1
	}
	return l, batched, nil
}

// softmaxCases are the axes that Softmax and LogSoftmax are checked along.
func softmaxCases() []Case {
	images := []int{5, 3, 4, 2}
	return []Case{
		{Name: "classes", In: []Arg{{Shape: []int{5, 10}, Lo: -4, Hi: 4}}},
		{Name: "large values", In: []Arg{{Shape: []int{5, 3}, Lo: 80, Hi: 100}}},
		{Name: "last of four axes", In: []Arg{{Shape: images}}},
		{Name: "channels", Attrs: along(1), In: []Arg{{Shape: images}}},
		{Name: "negative axis", Attrs: along(-2), In: []Arg{{Shape: images}}},
		{Name: "one class", In: []Arg{{Shape: []int{5, 1}}}},
		{Name: "two images a sample", In: []Arg{{Shape: []int{10, 3}}}},
		{Name: "over the batch", Attrs: along(0), In: []Arg{{Shape: []int{5, 3}}}},
		{Name: "opset 12", Opset: 12, In: []Arg{{Shape: images}}},
		{Name: "opset 7, axis 2", Opset: 7, Attrs: along(2), In: []Arg{{Shape: images}}},
		{Name: "opset 12, axis 0", Opset: 12, Attrs: along(0), In: []Arg{{Shape: []int{5, 3}}}},
		{Name: "weights", In: []Arg{{Shape: []int{3, 4}, Shared: true}}},
	}
}
