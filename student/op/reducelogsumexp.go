// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// ReduceLogSumExp is the logarithm of the sum of the exponentials over axes, computed
// as m + ln Σ e^(X - m) with the largest element m, so that nothing overflows.
//
//	dX = dY * e^(X - Y)
//
// https://onnx.ai/onnx/operators/onnx__ReduceLogSumExp.html
// Opset 11 allowed negative axes, 13 only added types, 18 made the axes an input
// and brought noop_with_empty_axes.
var _ = register(Op{
	Name: "ReduceLogSumExp", Since: 1, Fixed: []int{1},
	Bind32: bindReduceLogSumExp[float32], Bind64: bindReduceLogSumExp[float64],
	Cases: append(reduceCases(18, Arg{Lo: -3, Hi: 3}),
		Case{Name: "large values", In: []Arg{{Shape: []int{5, 4, 3}, Lo: 90, Hi: 120}, {Shape: []int{1}, Ints: []int64{1}}}},
		Case{Name: "infinities", In: []Arg{{Shape: []int{3, 2}, Shared: true, Floats: []float64{math.Inf(-1), math.Inf(-1), 0, math.Inf(-1), 3, math.Inf(1)}}, {Shape: []int{1}, Ints: []int64{1}}}, ForwardOnly: true}),
})

func bindReduceLogSumExp[T kernel.Float](n *Node) (*Kernel[T], error) {
	r, k, err := newReduction[T](n, 18)
	if err != nil {
		return nil, err
	}
	reducer[T]{
		begin: T(math.Inf(-1)),
		take:  takeMax[T],
		grad: func(dx, dy, x, y []T) {
			for i, v := range x {
				dx[i] += at(dy, i) * T(math.Exp(float64(v)-float64(at(y, i))))
			}
		},
		readX: true, readY: true,
	}.place(r, k)
	largest := k.Forward[0]
	k.Scratch, k.ScratchPer = r.size.fixed, r.size.per
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		largest(f)
		x, y, top := f.In[0], f.Out[0], f.Scratch[:r.size.of(f.N)]
		for i, v := range y {
			if math.IsInf(float64(v), 0) {
				v = 0 // a difference of infinities is no number
			}
			top[i] = v
		}
		clear(y)
		for at := r.walk.start(f.N); at.next(); {
			addExp(y[at.b:at.b+at.lenB], x[at.o:at.o+at.len], top[at.b:at.b+at.lenB])
		}
		for i, v := range y {
			y[i] = top[i] + T(math.Log(float64(v)))
		}
	}}
	return k, nil
}

// addExp adds e^(x - top) to y, of which a run that is reduced has one element.
func addExp[T kernel.Float](y, x, top []T) {
	if len(y) == len(x) {
		for i, v := range x {
			y[i] += T(math.Exp(float64(v - top[i])))
		}
		return
	}
	var s float64
	for _, v := range x {
		s += math.Exp(float64(v - top[0]))
	}
	y[0] += T(s)
}
