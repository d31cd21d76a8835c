// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// DynamicQuantizeLinear quantises to uint8 with a scale and a zero point chosen so
// that the tensor's range, widened to hold zero, fits exactly; it returns both. The
// range is that of all samples together. The gradient of the integers is straight
// through, dY / scale; scale and zero point pass none on.
//
// https://onnx.ai/onnx/operators/onnx__DynamicQuantizeLinear.html
// Since opset 11.
var _ = register(Op{
	Name: "DynamicQuantizeLinear", Since: 11, StraightThrough: true,
	Bind32: bindDynamicQuantizeLinear[float32], Bind64: bindDynamicQuantizeLinear[float64],
	Cases: []Case{
		{Name: "both signs", Outputs: 3, In: []Arg{{Shape: []int{5, 7}, Lo: -3, Hi: 2}}, ForwardOnly: true},
		{Name: "oldest opset", Opset: 11, Outputs: 3, In: []Arg{{Shape: []int{5, 7}, Lo: -3, Hi: 2}}, ForwardOnly: true},
		{Name: "positive", Outputs: 3, In: []Arg{{Shape: []int{5, 7}, Lo: 2, Hi: 3}}, ForwardOnly: true},
		{Name: "weights", Outputs: 3, In: []Arg{{Shape: []int{3, 2}, Lo: -9, Hi: -1, Shared: true}}, ForwardOnly: true},
	},
})

func bindDynamicQuantizeLinear[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(1, 1, 3); err != nil {
		return nil, err
	}
	k := result[T](n, n.In[0].Shape, false)
	k.Out[0].Type = onnx.Uint8
	k.Out = append(k.Out, Operand{Shape: []int{}, Type: onnx.Float32}, Operand{Shape: []int{}, Type: onnx.Uint8})
	k.ReadsOut = []int{1}
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		var lo, hi T
		for _, v := range f.In[0] {
			lo, hi = min(lo, v), max(hi, v)
		}
		scale := (hi - lo) / math.MaxUint8
		if scale == 0 {
			scale = 1
		}
		zero := min(max(math.RoundToEven(float64(-lo/scale)), 0), math.MaxUint8)
		for i, v := range f.In[0] {
			f.Out[0][i] = T(min(max(math.RoundToEven(float64(v/scale))+zero, 0), math.MaxUint8))
		}
		f.Out[1][0], f.Out[2][0] = scale, T(zero)
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		if f.DIn[0] != nil && f.DOut[0] != nil {
			kernel.Axpy(f.DIn[0], 1/f.Out[1][0], f.DOut[0])
		}
	}}
	return k, nil
}
