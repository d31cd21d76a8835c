// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// AveragePool of ChannelsLast takes the mean under a window in every channel of
// X[N, H, W, C], as AveragePool of ai.onnx does of X[N, C, H, W].
var _ = register(Op{
	Name: "AveragePool", Domain: ChannelsLast, Since: 1,
	Bind32: bindLastAveragePool[float32], Bind64: bindLastAveragePool[float64],
	Cases: lastPoolCases(false,
		Case{Name: "padding counted, rounded up", Attrs: []onnx.Attr{onnx.Ints("kernel_shape", 3, 3), onnx.Ints("strides", 2, 2),
			onnx.Ints("pads", 1, 1, 1, 1), onnx.Int("count_include_pad", 1), onnx.Int("ceil_mode", 1)},
			In: []Arg{{Shape: []int{5, 2, 6, 8}}}}),
})

func bindLastAveragePool[T kernel.Float](n *Node) (*Kernel[T], error) {
	p, w, err := n.newLastPool()
	if err != nil {
		return nil, err
	}
	a := kernel.NewAverageLast[T](w, p.channels, n.Int("count_include_pad", 0) != 0)
	shape := []int{n.In[0].Shape[0], w.Out[0], w.Out[1], p.channels}
	size := Len(shape[1:])
	k := result[T](n, shape, p.batched)
	k.Sets = []int{0}
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		for i := range p.images.of(f.N) {
			a.Forward(f.Out[0][i*size:(i+1)*size], f.In[0][i*p.size:(i+1)*p.size])
		}
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		if f.DIn[0] == nil {
			return
		}
		for i := range p.images.of(f.N) {
			a.Grad(f.DIn[0][i*p.size:(i+1)*p.size], f.DOut[0][i*size:(i+1)*size], !f.Fresh[0])
		}
	}}
	return k, nil
}
