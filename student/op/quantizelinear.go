// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// QuantizeLinear rounds x / scale to the nearest integer, the even one of two, adds
// the zero point, and moves what the integer type cannot hold to its ends. The
// gradient is straight through: dY / scale where nothing was moved, zero elsewhere;
// scale and zero point have none.
//
// https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html and
// https://arxiv.org/abs/1308.3432
// Opset 13 brought axis, 19 and 23 types and precision, 21 blocks and output_dtype.
// Types below 8 bits and floating-point ones are refused.
var _ = register(Op{
	Name: "QuantizeLinear", Since: 10, Fixed: []int{1, 2}, StraightThrough: true,
	Bind32: bindQuantizeLinear[float32], Bind64: bindQuantizeLinear[float64],
	Cases: []Case{
		{Name: "unsigned", In: quantizeOf(onnx.Uint8, 128), ForwardOnly: true},
		{Name: "signed", In: quantizeOf(onnx.Int8, -3), ForwardOnly: true},
		{Name: "16 bits", In: quantizeOf(onnx.Int16, 5), ForwardOnly: true},
		{Name: "oldest opset", Opset: 10, In: quantizeOf(onnx.Uint8, 128), ForwardOnly: true},
		{Name: "no zero point", In: quantizeOf(onnx.Uint8, 0)[:2], ForwardOnly: true},
		{Name: "channels", In: []Arg{{Shape: []int{5, 3, 4}, Lo: -20, Hi: 20}, {Shape: []int{3}, Floats: []float64{0.1, 0.25, 0.0625}}, {Shape: []int{3}, Ints: []int64{1, -2, 3}, Type: onnx.Int8}}, ForwardOnly: true},
		{Name: "samples", Attrs: along(0), In: []Arg{{Shape: []int{5, 4}, Lo: -20, Hi: 20}, {Shape: []int{5}, Lo: 0.1, Hi: 1}, {Shape: []int{5}, Ints: []int64{1, 2, 3, 4, 5}, Type: onnx.Uint8}}, ForwardOnly: true},
		{Name: "blocks of weights", Attrs: append(along(1), onnx.Int("block_size", 2)), In: []Arg{{Shape: []int{2, 5, 2}, Shared: true}, {Shape: []int{2, 3, 2}, Lo: 0.1, Hi: 1}, {Shape: []int{2, 3, 2}, Ints: []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, Type: onnx.Uint8}}, ForwardOnly: true},
		{Name: "blocks of the last axis", Attrs: append(along(1), onnx.Int("block_size", 2)), In: []Arg{{Shape: []int{2, 3}, Shared: true}, {Shape: []int{2, 2}, Lo: 0.1, Hi: 1}, {Shape: []int{2, 2}, Ints: []int64{1, 2, 3, 4}, Type: onnx.Uint8}}, ForwardOnly: true},
		{Name: "output_dtype", Attrs: []onnx.Attr{onnx.Int("output_dtype", int64(onnx.Int8))}, In: quantizeOf(onnx.Int8, 0)[:2], ForwardOnly: true},
	},
})

// quantizeOf are numbers of which some saturate, a scale and a zero point.
func quantizeOf(t onnx.DataType, zero int64) []Arg {
	return []Arg{{Shape: []int{5, 3, 4}, Lo: -20, Hi: 20}, {Shape: []int{}, Floats: []float64{0.1}}, {Shape: []int{}, Ints: []int64{zero}, Type: t}}
}

func bindQuantizeLinear[T kernel.Float](n *Node) (*Kernel[T], error) {
	s, err := n.newScaling()
	if err != nil {
		return nil, err
	}
	typ := onnx.Uint8
	if n.Has(2) {
		typ = n.In[2].Type
	} else if t := onnx.DataType(n.Int("output_dtype", 0)); n.Opset >= 21 && t != onnx.Undefined {
		typ = t
	}
	lo, hi, err := integerRange(typ)
	if err != nil {
		return nil, err
	}
	k := result[T](n, n.In[0].Shape, s.batched)
	k.Out[0].Type = typ
	k.ReadsIn = []int{0, 1, 2}[:len(n.In)]
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		s.each(f.N, func(at, count, scale int) {
			step, zero := f.In[1][scale], float64(zeroPoint(f, scale))
			y := f.Out[0][at : at+count]
			for i, v := range f.In[0][at : at+count] {
				y[i] = T(min(max(math.RoundToEven(float64(v/step))+zero, lo), hi))
			}
		})
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		if f.DIn[0] == nil || f.DOut[0] == nil {
			return
		}
		s.each(f.N, func(at, count, scale int) {
			step, zero := f.In[1][scale], float64(zeroPoint(f, scale))
			dx, dy := f.DIn[0][at:at+count], f.DOut[0][at:at+count]
			for i, v := range f.In[0][at : at+count] {
				if q := math.RoundToEven(float64(v/step)) + zero; q >= lo && q <= hi {
					dx[i] += dy[i] / step
				}
			}
		})
	}}
	return k, nil
}
