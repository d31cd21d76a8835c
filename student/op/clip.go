// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"math"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Clip: Y = min(max(X, lo), hi). Its gradient is dY where lo <= X <= hi.
//
// https://onnx.ai/onnx/operators/onnx__Clip.html
// Opset 6 has the bounds as attributes min and max; from 11 on they are inputs 1
// and 2, which have to be constants here. 12 and 13 only added types.
var _ = register(Op{
	Name: "Clip", Since: 6, Fixed: []int{1, 2},
	Bind32: bindClip[float32], Bind64: bindClip[float64],
	Cases: []Case{
		{Name: "both bounds", In: []Arg{{Shape: []int{5, 7}, Avoid: []float64{-0.5, 0.4}}, bound(-0.5), bound(0.4)}},
		{Name: "upper bound", In: []Arg{{Shape: []int{5, 2, 3, 3}, Avoid: []float64{0.4}}, {Omit: true}, bound(0.4)}},
		{Name: "lower bound", In: []Arg{{Shape: []int{5, 7}, Avoid: []float64{0}}, bound(0)}},
		{Name: "no bounds", In: []Arg{{Shape: []int{5, 7}}}},
		{Name: "attributes", Opset: 6, Attrs: []onnx.Attr{onnx.Float("min", 0), onnx.Float("max", 0.6)}, In: []Arg{{Shape: []int{5, 7}, Avoid: []float64{0, 0.6}}}},
		{Name: "attribute defaults", Opset: 10, In: []Arg{{Shape: []int{5, 7}}}},
		{Name: "weights", In: []Arg{{Shape: []int{3, 4}, Shared: true, Avoid: []float64{0, 0.6}}, bound(0), bound(0.6)}},
	},
})

// bound is a constant scalar argument.
func bound(v float64) Arg { return Arg{Shape: []int{}, Floats: []float64{v}} }

func bindClip[T kernel.Float](n *Node) (*Kernel[T], error) {
	lo, hi, err := n.clipBounds()
	if err != nil {
		return nil, err
	}
	low, high := T(lo), T(hi)
	return unary[T]{
		fwd:   func(y, x []T) { kernel.Clip(y, x, low, high) },
		bwd:   func(dx, dy, x, _ []T) { kernel.ClipGrad(dx, dy, x, low, high) },
		readX: true,
	}.bind(n), nil
}

// clipBounds reads the bounds in the form the opset gives them.
func (n *Node) clipBounds() (lo, hi float64, err error) {
	lo, hi = math.Inf(-1), math.Inf(1)
	if n.Opset < 11 {
		if err = n.arity(1, 1, 1); err != nil {
			return 0, 0, err
		}
		if a := n.Attr("min"); a != nil {
			lo = float64(a.F)
		}
		if a := n.Attr("max"); a != nil {
			hi = float64(a.F)
		}
	} else {
		if err = n.arity(1, 3, 1); err != nil {
			return 0, 0, err
		}
		if lo, err = n.scalar(1, "min", lo); err != nil {
			return 0, 0, err
		}
		if hi, err = n.scalar(2, "max", hi); err != nil {
			return 0, 0, err
		}
	}
	if math.IsNaN(lo) || math.IsNaN(hi) {
		return 0, 0, fmt.Errorf("bounds %v and %v are not numbers", lo, hi)
	}
	return lo, hi, nil
}
