// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// MaxPool takes the maximum under a window in every plane of X[N, C, spatial...].
// Padding never wins. Its gradient goes to the first element that is the maximum.
//
// https://onnx.ai/onnx/operators/onnx__MaxPool.html
// Opset 8 brought the output Indices, which is not computed here, and
// storage_order, which concerns it alone; 10 ceil_mode and dilations; 11, 12 and 22
// changed defaults' wording and types.
var _ = register(Op{
	Name: "MaxPool", Since: 1,
	Bind32: bindMaxPool[float32], Bind64: bindMaxPool[float64],
	Cases: poolCases(true,
		Case{Name: "dilated", Attrs: []onnx.Attr{onnx.Ints("kernel_shape", 2, 3), onnx.Ints("dilations", 2, 2)},
			In: []Arg{{Shape: []int{5, 2, 7, 8}, Distinct: true}}}),
})

func bindMaxPool[T kernel.Float](n *Node) (*Kernel[T], error) {
	p, err := n.newPool()
	if err != nil {
		return nil, err
	}
	k := result[T](n, p.shape, p.batched)
	keep := n.In[0].Grad
	if keep {
		k.Saved = (Len(p.shape) + n.Batch - 1) / n.Batch // the winner of every window
	}
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		for i := range p.planes.of(f.N) {
			var winner []T
			if keep {
				winner = f.Saved[i*p.outLen : (i+1)*p.outLen]
			}
			kernel.MaxPool(f.Out[0][i*p.outLen:(i+1)*p.outLen], winner, f.In[0][i*p.inLen:(i+1)*p.inLen], p.w)
		}
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		if f.DIn[0] == nil {
			return
		}
		for i := range p.planes.of(f.N) {
			kernel.MaxPoolGrad(f.DIn[0][i*p.inLen:(i+1)*p.inLen], f.DOut[0][i*p.outLen:(i+1)*p.outLen], f.Saved[i*p.outLen:(i+1)*p.outLen])
		}
	}}
	return k, nil
}

// poolCases are the geometries that both pooling operators are checked in.
func poolCases(distinct bool, more ...Case) []Case {
	in := func(shape ...int) []Arg { return []Arg{{Shape: shape, Distinct: distinct}} }
	taps := func(k ...int64) onnx.Attr { return onnx.Ints("kernel_shape", k...) }
	two := onnx.Ints("strides", 2, 2)
	cases := []Case{
		{Name: "2x2", Attrs: []onnx.Attr{taps(2, 2), two}, In: in(5, 3, 6, 8)},
		{Name: "oldest opset", Opset: 7, Attrs: []onnx.Attr{taps(2, 2), two}, In: in(5, 3, 6, 8)},
		{Name: "odd sizes", Attrs: []onnx.Attr{taps(2, 2), two}, In: in(5, 3, 7, 5)},
		{Name: "overlapping, padded", Attrs: []onnx.Attr{taps(3, 3), two, onnx.Ints("pads", 1, 1, 1, 1)}, In: in(5, 3, 7, 6)},
		{Name: "uneven pads", Attrs: []onnx.Attr{taps(3, 2), onnx.Ints("pads", 0, 1, 2, 0)}, In: in(5, 2, 5, 6)},
		{Name: "rounded up", Attrs: []onnx.Attr{taps(3, 3), two, onnx.Int("ceil_mode", 1)}, In: in(5, 2, 6, 8)},
		{Name: "rounded up, padded", Attrs: []onnx.Attr{taps(2, 2), two, onnx.Int("ceil_mode", 1), onnx.Ints("pads", 1, 1, 1, 1)}, In: in(5, 2, 5, 5)},
		{Name: "same upper", Attrs: []onnx.Attr{taps(3, 3), two, onnx.String("auto_pad", "SAME_UPPER")}, In: in(5, 2, 6, 7)},
		{Name: "same lower", Attrs: []onnx.Attr{taps(2, 2), onnx.String("auto_pad", "SAME_LOWER")}, In: in(5, 2, 4, 5)},
		{Name: "valid", Attrs: []onnx.Attr{taps(2, 3), onnx.String("auto_pad", "VALID")}, In: in(5, 2, 4, 5)},
		{Name: "1-D", Attrs: []onnx.Attr{taps(3), onnx.Ints("strides", 2)}, In: in(5, 2, 9)},
		{Name: "3-D", Attrs: []onnx.Attr{taps(2, 2, 2), onnx.Ints("strides", 2, 1, 2)}, In: in(5, 2, 4, 3, 5)},
		{Name: "two images a sample", Attrs: []onnx.Attr{taps(2, 2)}, In: in(10, 1, 3, 3)},
		{Name: "weights", Attrs: []onnx.Attr{taps(2, 2)}, In: []Arg{{Shape: []int{1, 2, 3, 3}, Shared: true, Distinct: distinct}}},
	}
	return append(cases, more...)
}
