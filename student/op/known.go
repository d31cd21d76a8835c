// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// known is a kernel whose one output, of the given type, has the values of t,
// whatever the samples are.
func known[T kernel.Float](t *onnx.Tensor, typ onnx.DataType) (*Kernel[T], error) {
	values, err := onnx.Values[T](t)
	if err != nil {
		return nil, err
	}
	shape := make([]int, len(t.Dims))
	for i, d := range t.Dims {
		shape[i] = int(d)
	}
	return &Kernel[T]{
		Out:     []Operand{{Shape: shape, Type: typ, Const: t}},
		Whole:   true,
		Forward: []Phase[T]{func(f *Frame[T]) { copy(f.Out[0], values) }},
	}, nil
}

// knownInts is a kernel whose output is a constant list of int64.
func knownInts[T kernel.Float](v []int64) (*Kernel[T], error) {
	return known[T](onnx.NewInt64("", []int64{int64(len(v))}, v), onnx.Int64)
}

// dims64 converts a shape to the form tensors have it in.
func dims64(shape []int) []int64 {
	out := make([]int64, len(shape))
	for i, d := range shape {
		out[i] = int64(d)
	}
	return out
}
