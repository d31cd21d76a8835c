// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// compare binds an operator that says of every pair of elements whether something
// holds: one where it does, else zero.
func compare[T kernel.Float](n *Node, holds func(a, b T) bool) (*Kernel[T], error) {
	k, err := binary[T]{fwd: func(out, a, b []T) {
		for i := range out {
			out[i] = truth[T](holds(at(a, i), at(b, i)))
		}
	}}.bind(n)
	if err != nil {
		return nil, err
	}
	k.Out[0].Type = onnx.Bool
	return k, nil
}

// test binds an operator that says of every element whether something holds.
func test[T kernel.Float](n *Node, holds func(T) bool) (*Kernel[T], error) {
	k, err := unary[T]{fwd: func(y, x []T) {
		for i, v := range x {
			y[i] = truth[T](holds(v))
		}
	}}.plain(n)
	if err != nil {
		return nil, err
	}
	k.Out[0].Type = onnx.Bool
	return k, nil
}

// truth is one for what holds and zero for what does not.
func truth[T kernel.Float](holds bool) T {
	if holds {
		return 1
	}
	return 0
}

// compareCases are the operands every comparison is checked with.
func compareCases(oldest int) []Case {
	return forwardOnly(binaryCases(oldest, -1, 1,
		Case{Name: "integers", In: []Arg{{Shape: []int{5, 8}, Lo: -2, Hi: 3, Type: onnx.Int64}, {Shape: []int{5, 1}, Lo: -2, Hi: 3, Type: onnx.Int64, Batched: true}}},
		Case{Name: "no numbers", In: []Arg{{Shape: []int{5, 3}}, {Shape: []int{3}, Floats: []float64{math.NaN(), math.Inf(1), math.Inf(-1)}}}}))
}

// logicCases are the operands every operator of two truth values is checked with.
func logicCases() []Case {
	cases := binaryCases(7, 0, 2)
	for i := range cases {
		for j := range cases[i].In {
			cases[i].In[j].Type = onnx.Bool
		}
	}
	return forwardOnly(cases)
}
