// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// GlobalAveragePool takes the mean of every plane: Y[N, C, 1...] from
// X[N, C, spatial...].
//
// https://onnx.ai/onnx/operators/onnx__GlobalAveragePool.html
// Since opset 1; 22 only added types.
var _ = register(Op{
	Name: "GlobalAveragePool", Since: 1,
	Bind32: bindGlobalAveragePool[float32], Bind64: bindGlobalAveragePool[float64],
	Cases: globalPoolCases(false),
})

func bindGlobalAveragePool[T kernel.Float](n *Node) (*Kernel[T], error) {
	p, err := n.newGlobalPool()
	if err != nil {
		return nil, err
	}
	k := result[T](n, p.shape, p.batched)
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		for i := range p.planes.of(f.N) {
			f.Out[0][i] = T(kernel.Sum(f.In[0][i*p.inLen:(i+1)*p.inLen]) / float64(p.inLen))
		}
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		if f.DIn[0] == nil {
			return
		}
		for i := range p.planes.of(f.N) {
			d := f.DOut[0][i] / T(p.inLen)
			dx := f.DIn[0][i*p.inLen : (i+1)*p.inLen]
			for j := range dx {
				dx[j] += d
			}
		}
	}}
	return k, nil
}

// globalPoolCases are the shapes that both global pooling operators are checked in.
func globalPoolCases(distinct bool) []Case {
	in := func(shape ...int) []Arg { return []Arg{{Shape: shape, Distinct: distinct}} }
	return []Case{
		{Name: "2-D", In: in(5, 3, 5, 7)},
		{Name: "oldest opset", Opset: 7, In: in(5, 3, 2, 2)},
		{Name: "1-D", In: in(5, 3, 9)},
		{Name: "3-D", In: in(5, 2, 2, 3, 4)},
		{Name: "one element", In: in(5, 3, 1, 1)},
		{Name: "two images a sample", In: in(10, 2, 3, 3)},
		{Name: "weights", In: []Arg{{Shape: []int{2, 2, 3, 3}, Shared: true, Distinct: distinct}}},
	}
}
