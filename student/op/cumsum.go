// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// CumSum is the running sum along an axis, input 1, which has to be a constant here:
// from the end with reverse, without the element itself with exclusive. Its gradient
// is the running sum of dY from the other end.
//
// https://onnx.ai/onnx/operators/onnx__CumSum.html
// Since opset 11; 14 only added types.
var _ = register(Op{
	Name: "CumSum", Since: 11, Fixed: []int{1},
	Bind32: bindCumSum[float32], Bind64: bindCumSum[float64],
	Cases: []Case{
		{Name: "last axis", In: sumAlong(-1, 5, 3, 4)},
		{Name: "oldest opset", Opset: 11, In: sumAlong(1, 5, 3, 4)},
		{Name: "exclusive", Attrs: []onnx.Attr{onnx.Int("exclusive", 1)}, In: sumAlong(1, 5, 3, 4)},
		{Name: "reverse", Attrs: []onnx.Attr{onnx.Int("reverse", 1)}, In: sumAlong(2, 5, 3, 4)},
		{Name: "both", Attrs: []onnx.Attr{onnx.Int("reverse", 1), onnx.Int("exclusive", 1)}, In: sumAlong(1, 5, 3, 4)},
		{Name: "over the batch", In: sumAlong(0, 5, 3)},
		{Name: "two images a sample", In: sumAlong(1, 10, 3)},
		{Name: "integers", In: []Arg{{Shape: []int{5, 3}, Lo: -9, Hi: 9, Type: onnx.Int64}, {Shape: []int{}, Ints: []int64{1}}}, ForwardOnly: true},
		{Name: "weights", In: []Arg{{Shape: []int{3, 4}, Shared: true}, {Shape: []int{}, Ints: []int64{0}}}},
	},
})

// sumAlong is a batched input and the axis to sum along.
func sumAlong(axis int64, shape ...int) []Arg {
	return []Arg{{Shape: shape}, {Shape: []int{}, Ints: []int64{axis}}}
}

func bindCumSum[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(2, 2, 1); err != nil {
		return nil, err
	}
	x := &n.In[0]
	list, err := n.ints(1, "axis")
	if err != nil {
		return nil, err
	}
	if len(list) != 1 {
		return nil, fmt.Errorf("input 1 (axis) holds %d numbers, wants one", len(list))
	}
	at, err := axis(list[0], len(x.Shape))
	if err != nil {
		return nil, err
	}
	batched := x.Batched && at > 0
	l, exclusive, reverse := n.newLines(x.Shape, at, batched), n.Int("exclusive", 0) != 0, n.Int("reverse", 0) != 0
	k := result[T](n, x.Shape, batched)
	k.Scratch = l.inner
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		clear(f.Out[0])
		addRunningSums(f.Out[0], f.In[0], f.Scratch[:l.inner], l, l.blocks.of(f.N), exclusive, reverse)
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		if f.DIn[0] != nil {
			addRunningSums(f.DIn[0], f.DOut[0], f.Scratch[:l.inner], l, l.blocks.of(f.N), exclusive, !reverse)
		}
	}}
	return k, nil
}

// addRunningSums adds to y the running sums of x; sums is room for a row of them.
func addRunningSums[T kernel.Float](y, x, sums []T, l lines, blocks int, exclusive, reverse bool) {
	for b := range blocks {
		clear(sums)
		for j := range l.size {
			if reverse {
				j = l.size - 1 - j
			}
			o := (b*l.size + j) * l.inner
			for i := range sums {
				before := sums[i]
				sums[i] += x[o+i]
				if exclusive {
					y[o+i] += before
				} else {
					y[o+i] += sums[i]
				}
			}
		}
	}
}
