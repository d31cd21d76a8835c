// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// Hardmax: Y = 1 at the first largest element along an axis, 0 elsewhere. No
// gradient passes.
//
// https://onnx.ai/onnx/operators/onnx__Hardmax.html
// Before opset 13 the largest is sought over axis and all axes after it, and axis is
// 1 if not given; from 13 on it is over axis alone, which is -1 if not given.
var _ = register(Op{
	Name: "Hardmax", Since: 1, Stops: true,
	Bind32: bindHardmax[float32], Bind64: bindHardmax[float64],
	Cases: forwardOnly(append(softmaxCases(),
		Case{Name: "ties", In: []Arg{{Shape: []int{3, 2}, Shared: true, Floats: []float64{1, 1, 0, 0, 2, 3}}}})),
})

func bindHardmax[T kernel.Float](n *Node) (*Kernel[T], error) {
	l, batched, err := n.classLines()
	if err != nil {
		return nil, err
	}
	k := result[T](n, n.In[0].Shape, batched)
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		x, y := f.In[0], f.Out[0]
		clear(y)
		for i := range l.of(f.N) {
			o := l.start(i)
			best := 0
			for j := range l.size {
				if x[o+j*l.inner] > x[o+best*l.inner] {
					best = j
				}
			}
			y[o+best*l.inner] = 1
		}
	}}
	return k, nil
}
