// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// DequantizeLinear turns integers into numbers: (x - zero point) * scale. Its
// gradient, dY * scale, goes on through the QuantizeLinear before it.
//
// https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html
// Opset 13 brought axis, 19 and 23 types, 21 blocks.
var _ = register(Op{
	Name: "DequantizeLinear", Since: 10, Fixed: []int{1, 2},
	Bind32: bindDequantizeLinear[float32], Bind64: bindDequantizeLinear[float64],
	Cases: []Case{
		{Name: "gradient", In: []Arg{{Shape: []int{5, 3, 4}}, {Shape: []int{}, Floats: []float64{0.1}}}, NoRuntime: "x is no integer"},
		{Name: "gradient, channels", In: []Arg{{Shape: []int{5, 3, 4}}, {Shape: []int{3}, Floats: []float64{0.1, 2, 0.5}}}, NoRuntime: "x is no integer"},
		{Name: "unsigned", In: dequantizeOf(onnx.Uint8, 128, 0, 256), ForwardOnly: true},
		{Name: "signed", In: dequantizeOf(onnx.Int8, -3, -128, 128), ForwardOnly: true},
		{Name: "32 bits", In: dequantizeOf(onnx.Int32, 0, -1000, 1000)[:2], ForwardOnly: true},
		{Name: "oldest opset", Opset: 10, In: dequantizeOf(onnx.Uint8, 128, 0, 256), ForwardOnly: true},
		{Name: "channels", In: []Arg{{Shape: []int{5, 3, 4}, Type: onnx.Int8, Lo: -128, Hi: 128}, {Shape: []int{3}, Floats: []float64{0.1, 2, 0.5}}, {Shape: []int{3}, Ints: []int64{1, -2, 3}, Type: onnx.Int8}}, ForwardOnly: true},
		{Name: "blocks of weights", Attrs: append(along(0), onnx.Int("block_size", 2)), In: []Arg{{Shape: []int{3, 2}, Shared: true, Type: onnx.Int8, Lo: -128, Hi: 128}, {Shape: []int{2, 2}, Lo: 0.1, Hi: 1}, {Shape: []int{2, 2}, Ints: []int64{1, 2, 3, 4}, Type: onnx.Int8}}, ForwardOnly: true},
	},
})

// dequantizeOf are integers, a scale and a zero point.
func dequantizeOf(t onnx.DataType, zero int64, lo, hi float64) []Arg {
	return []Arg{{Shape: []int{5, 3, 4}, Type: t, Lo: lo, Hi: hi}, {Shape: []int{}, Floats: []float64{0.1}}, {Shape: []int{}, Ints: []int64{zero}, Type: t}}
}

func bindDequantizeLinear[T kernel.Float](n *Node) (*Kernel[T], error) {
	s, err := n.newScaling()
	if err != nil {
		return nil, err
	}
	k := result[T](n, n.In[0].Shape, s.batched)
	k.Out[0].Type = n.In[1].Type
	if t := onnx.DataType(n.Int("output_dtype", 0)); n.Opset >= 23 && t != onnx.Undefined {
		k.Out[0].Type = t
	}
	if !k.Out[0].Type.IsFloat() {
		return nil, fmt.Errorf("scale is %s, wants floating-point numbers", k.Out[0].Type)
	}
	k.ReadsIn = []int{1}
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		s.each(f.N, func(at, count, scale int) {
			step, zero := f.In[1][scale], zeroPoint(f, scale)
			y := f.Out[0][at : at+count]
			for i, v := range f.In[0][at : at+count] {
				y[i] = (v - zero) * step
			}
		})
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		if f.DIn[0] == nil {
			return
		}
		s.each(f.N, func(at, count, scale int) {
			kernel.Axpy(f.DIn[0][at:at+count], f.In[1][scale], f.DOut[0][at:at+count])
		})
	}}
	return k, nil
}
