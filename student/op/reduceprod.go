// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// ReduceProd is the product over axes. Its gradient is dY times the product of the
// other elements, whether some of them are zero or not.
//
// https://onnx.ai/onnx/operators/onnx__ReduceProd.html
// Opset 11 allowed negative axes, 13 only added types, 18 made the axes an input
// and brought noop_with_empty_axes.
var _ = register(Op{
	Name: "ReduceProd", Since: 1, Fixed: []int{1},
	Bind32: bindReduceProd[float32], Bind64: bindReduceProd[float64],
	Cases: reduceCases(18, Arg{Lo: -2, Hi: 2, Avoid: []float64{0}}),
})

func bindReduceProd[T kernel.Float](n *Node) (*Kernel[T], error) {
	r, k, err := newReduction[T](n, 18)
	if err != nil {
		return nil, err
	}
	reducer[T]{begin: 1, take: func(y, x []T) {
		step := stride(y, x)
		for i, v := range x {
			y[i*step] *= v
		}
	}}.place(r, k)
	k.ReadsIn = []int{0}
	k.Scratch, k.ScratchPer = 2*r.size.fixed, 2*r.size.per
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		if f.DIn[0] == nil {
			return
		}
		size := r.size.of(f.N)
		product, zeros := f.Scratch[:size], f.Scratch[size:2*size] // of what is not zero, and how many are
		kernel.Fill(product, 1)
		clear(zeros)
		for w := r.walk.start(f.N); w.next(); {
			p, z, x := product[w.b:w.b+w.lenB], zeros[w.b:w.b+w.lenB], f.In[0][w.o:w.o+w.len]
			step := stride(z, x)
			for i, v := range x {
				if v == 0 {
					z[i*step]++
				} else {
					p[i*step] *= v
				}
			}
		}
		for w := r.walk.start(f.N); w.next(); {
			p, z, x := product[w.b:w.b+w.lenB], zeros[w.b:w.b+w.lenB], f.In[0][w.o:w.o+w.len]
			dx, dy := f.DIn[0][w.o:w.o+w.len], f.DOut[0][w.b:w.b+w.lenB]
			step := stride(z, x)
			for i, v := range x {
				j := i * step
				switch {
				case z[j] == 0:
					dx[i] += dy[j] * p[j] / v
				case z[j] == 1 && v == 0:
					dx[i] += dy[j] * p[j]
				}
			}
		}
	}}
	return k, nil
}
