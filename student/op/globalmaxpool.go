// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// GlobalMaxPool takes the maximum of every plane: Y[N, C, 1...] from
// X[N, C, spatial...]. Its gradient goes to the first element that is the maximum.
//
// https://onnx.ai/onnx/operators/onnx__GlobalMaxPool.html
// Since opset 1; 22 only added types.
var _ = register(Op{
	Name: "GlobalMaxPool", Since: 1,
	Bind32: bindGlobalMaxPool[float32], Bind64: bindGlobalMaxPool[float64],
	Cases: globalPoolCases(true),
})

func bindGlobalMaxPool[T kernel.Float](n *Node) (*Kernel[T], error) {
	p, err := n.newGlobalPool()
	if err != nil {
		return nil, err
	}
	k := result[T](n, p.shape, p.batched)
	k.ReadsIn = []int{0}
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		for i := range p.planes.of(f.N) {
			x := f.In[0][i*p.inLen : (i+1)*p.inLen]
			f.Out[0][i] = x[first(x)]
		}
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		if f.DIn[0] == nil {
			return
		}
		for i := range p.planes.of(f.N) {
			at := i * p.inLen
			f.DIn[0][at+first(f.In[0][at:at+p.inLen])] += f.DOut[0][i]
		}
	}}
	return k, nil
}

// first is the index of the first element that is the maximum of x, or of the
// first NaN.
func first[T kernel.Float](x []T) int {
	best := 0
	for i, v := range x {
		if v != v {
			return i
		}
		if v > x[best] {
			best = i
		}
	}
	return best
}
