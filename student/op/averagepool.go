// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// AveragePool takes the mean under a window in every plane of X[N, C, spatial...].
// The mean is over the elements the window meets, or with count_include_pad over
// the padding too, but never over what a rounded-up size reaches beyond it.
//
// https://onnx.ai/onnx/operators/onnx__AveragePool.html
// Opset 7 brought count_include_pad, 10 ceil_mode, 19 dilations; 11 and 22 changed
// defaults' wording and types.
var _ = register(Op{
	Name: "AveragePool", Since: 1,
	Bind32: bindAveragePool[float32], Bind64: bindAveragePool[float64],
	Cases: poolCases(false,
		Case{Name: "padding counted", Attrs: []onnx.Attr{onnx.Ints("kernel_shape", 3, 3), onnx.Ints("pads", 1, 1, 1, 1), onnx.Int("count_include_pad", 1)},
			In: []Arg{{Shape: []int{5, 2, 6, 5}}}},
		Case{Name: "padding counted, rounded up", Attrs: []onnx.Attr{onnx.Ints("kernel_shape", 3, 3), onnx.Ints("strides", 2, 2),
			onnx.Ints("pads", 1, 1, 1, 1), onnx.Int("count_include_pad", 1), onnx.Int("ceil_mode", 1)},
			In: []Arg{{Shape: []int{5, 2, 6, 8}}}},
		Case{Name: "dilated", Attrs: []onnx.Attr{onnx.Ints("kernel_shape", 2, 3), onnx.Ints("dilations", 2, 2), onnx.Ints("pads", 1, 1, 1, 1)},
			In: []Arg{{Shape: []int{5, 2, 7, 8}}}}),
})

func bindAveragePool[T kernel.Float](n *Node) (*Kernel[T], error) {
	p, err := n.newPool()
	if err != nil {
		return nil, err
	}
	includePad := n.Int("count_include_pad", 0) != 0
	k := result[T](n, p.shape, p.batched)
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		for i := range p.planes.of(f.N) {
			kernel.AveragePool(f.Out[0][i*p.outLen:(i+1)*p.outLen], f.In[0][i*p.inLen:(i+1)*p.inLen], p.w, includePad)
		}
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		if f.DIn[0] == nil {
			return
		}
		for i := range p.planes.of(f.N) {
			kernel.AveragePoolGrad(f.DIn[0][i*p.inLen:(i+1)*p.inLen], f.DOut[0][i*p.outLen:(i+1)*p.outLen], p.w, includePad)
		}
	}}
	return k, nil
}
