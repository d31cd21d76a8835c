// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// GlobalLpPool takes the p-norm of every plane of X[N, C, spatial...].
//
// https://onnx.ai/onnx/operators/onnx__GlobalLpPool.html
// Opset 2 made p an integer; 22 only added types.
var _ = register(Op{
	Name: "GlobalLpPool", Since: 2,
	Bind32: bindGlobalLpPool[float32], Bind64: bindGlobalLpPool[float64],
	Cases: []Case{
		{Name: "images", Opset: 21, In: []Arg{{Shape: []int{5, 3, 4, 5}}}},
		{Name: "oldest opset", Opset: 7, In: []Arg{{Shape: []int{5, 3, 4, 5}}}},
		{Name: "newest opset", In: []Arg{{Shape: []int{5, 3, 4, 5}}}, NoRuntime: "the runtime has no kernel for opset 22"},
		{Name: "p is 3", Opset: 21, Attrs: []onnx.Attr{onnx.Int("p", 3)}, In: []Arg{{Shape: []int{5, 3, 7}}}},
		{Name: "p is 1", Opset: 21, Attrs: []onnx.Attr{onnx.Int("p", 1)}, In: []Arg{{Shape: []int{5, 3, 7}, Avoid: []float64{0}}}},
		{Name: "two images a sample", Opset: 21, In: []Arg{{Shape: []int{10, 1, 3, 3}}}},
		{Name: "weights", Opset: 21, In: []Arg{{Shape: []int{1, 2, 3, 3}, Shared: true}}},
	},
})

func bindGlobalLpPool[T kernel.Float](n *Node) (*Kernel[T], error) {
	g, err := n.newGlobalPool()
	if err != nil {
		return nil, err
	}
	p, err := n.normOrder()
	if err != nil {
		return nil, err
	}
	k := result[T](n, g.shape, g.batched)
	k.ReadsIn, k.ReadsOut = []int{0}, []int{0}
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		for i := range g.planes.of(f.N) {
			var sum float64
			for _, v := range f.In[0][i*g.inLen : (i+1)*g.inLen] {
				sum += float64(power(v, p))
			}
			f.Out[0][i] = T(math.Pow(sum, 1/float64(p)))
		}
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		if f.DIn[0] == nil {
			return
		}
		for i := range g.planes.of(f.N) {
			dx := f.DIn[0][i*g.inLen : (i+1)*g.inLen]
			for j, v := range f.In[0][i*g.inLen : (i+1)*g.inLen] {
				dx[j] += f.DOut[0][i] * normSlope(v, f.Out[0][i], p)
			}
		}
	}}
	return k, nil
}
