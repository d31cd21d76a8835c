// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// bindReduceExtreme binds ReduceMax or ReduceMin. The gradient goes to the first
// element that equals the result.
func bindReduceExtreme[T kernel.Float](n *Node, e reducer[T]) (*Kernel[T], error) {
	r, k, err := newReduction[T](n, 18)
	if err != nil {
		return nil, err
	}
	e.place(r, k)
	k.ReadsIn, k.ReadsOut = []int{0}, []int{0}
	k.Scratch, k.ScratchPer = r.size.fixed, r.size.per
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		if f.DIn[0] == nil {
			return
		}
		rest := f.Scratch[:r.size.of(f.N)] // of the gradient, what no element has had
		copy(rest, f.DOut[0])
		for w := r.walk.start(f.N); w.next(); {
			dx, x := f.DIn[0][w.o:w.o+w.len], f.In[0][w.o:w.o+w.len]
			left, y := rest[w.b:w.b+w.lenB], f.Out[0][w.b:w.b+w.lenB]
			step := stride(y, x)
			for i, v := range x {
				j := i * step
				if v == y[j] {
					dx[i] += left[j]
					left[j] = 0
				}
			}
		}
	}}
	return k, nil
}

// reduceExtremeCases are the cases of ReduceMax and ReduceMin.
func reduceExtremeCases() []Case {
	one := Arg{Shape: []int{1}, Ints: []int64{1}}
	return append(reduceCases(18, Arg{Distinct: true}),
		Case{Name: "integers", In: []Arg{{Shape: []int{5, 4}, Lo: -9, Hi: 9, Type: onnx.Int64}, one}, ForwardOnly: true},
		Case{Name: "truth values", In: []Arg{{Shape: []int{5, 4}, Hi: 2, Type: onnx.Bool}, one}, ForwardOnly: true})
}
