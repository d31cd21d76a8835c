// SPDX-License-Identifier: Apache-2.0

package ort

import (
	"fmt"
	"slices"
	"unsafe"

	"github.com/yalue/onnxruntime_go"

	"github.com/kdcompress/kdcompress/onnx"
)

// native turns tensors of an element type that Go has into the library's and back.
type native struct {
	// lend makes a library tensor over v's own elements; a scalar is copied.
	lend func(v Value) (onnxruntime_go.Value, error)
	// view shows the elements of a library tensor; ok is false for another type.
	view func(t onnxruntime_go.Value) (v Value, ok bool)
}

var natives = map[onnx.DataType]native{
	onnx.Float32: nativeOf[float32](onnx.Float32),
	onnx.Float64: nativeOf[float64](onnx.Float64),
	onnx.Int8:    nativeOf[int8](onnx.Int8),
	onnx.Int16:   nativeOf[int16](onnx.Int16),
	onnx.Int32:   nativeOf[int32](onnx.Int32),
	onnx.Int64:   nativeOf[int64](onnx.Int64),
	onnx.Uint8:   nativeOf[uint8](onnx.Uint8),
	onnx.Uint16:  nativeOf[uint16](onnx.Uint16),
	onnx.Uint32:  nativeOf[uint32](onnx.Uint32),
	onnx.Uint64:  nativeOf[uint64](onnx.Uint64),
	onnx.Bool:    nativeOf[bool](onnx.Bool),
}

func nativeOf[T onnxruntime_go.TensorData](typ onnx.DataType) native {
	wrap := func(data []T, dims []int64) Value {
		v := Value{Dims: dims, Type: typ}
		if f, ok := any(data).([]float32); ok {
			v.F = f
		} else {
			v.Raw = bytesOf(data)
		}
		return v
	}
	return native{
		lend: func(v Value) (onnxruntime_go.Value, error) {
			data, ok := any(v.F).([]T)
			if !ok {
				data = elements[T](v.Raw)
			}
			if len(v.Dims) == 0 {
				t, err := onnxruntime_go.NewScalar(data[0])
				if err != nil {
					return nil, err
				}
				return t, nil
			}
			t, err := onnxruntime_go.NewTensor(onnxruntime_go.Shape(v.Dims), data)
			if err != nil {
				return nil, err
			}
			return t, nil
		},
		view: func(t onnxruntime_go.Value) (Value, bool) {
			switch t := t.(type) {
			case *onnxruntime_go.Tensor[T]:
				return wrap(t.GetData(), t.GetShape()), true
			case *onnxruntime_go.Scalar[T]:
				return wrap([]T{t.GetData()}, nil), true
			}
			return Value{}, false
		},
	}
}

// lend makes a library tensor of a value whose elements fill its shape. It
// refers to v's memory until destroyed.
func lend(v Value) (onnxruntime_go.Value, error) {
	if n, ok := natives[v.Type]; ok {
		return n.lend(v)
	}
	if len(v.Dims) == 0 || len(v.Raw) == 0 {
		return nil, fmt.Errorf("a scalar or empty tensor of type %s cannot be passed to ONNX Runtime", v.Type)
	}
	t, err := onnxruntime_go.NewCustomDataTensor(onnxruntime_go.Shape(v.Dims), v.Raw, onnxruntime_go.TensorElementDataType(v.Type))
	if err != nil {
		return nil, err
	}
	return t, nil
}

// view shows a library tensor as a value that shares its memory, which outlives
// the tensor.
func view(t onnxruntime_go.Value) (Value, error) {
	if c, ok := t.(*onnxruntime_go.CustomDataTensor); ok {
		return Value{Dims: c.GetShape(), Type: onnx.DataType(c.DataType()), Raw: c.GetData()}, nil
	}
	if n, ok := natives[onnx.DataType(t.DataType())]; ok {
		if v, ok := n.view(t); ok {
			return v, nil
		}
	}
	return Value{}, fmt.Errorf("it is a %s, not a tensor of numbers", t.GetONNXType())
}

// destroy releases the library's part of tensors, nil ones included.
func destroy(all []onnxruntime_go.Value) {
	for i, t := range all {
		if t != nil {
			// Releasing a tensor has no error to report.
			_ = t.Destroy()
			all[i] = nil
		}
	}
}

// bytesOf shows elements as the bytes they are made of. ONNX Runtime exists for
// little-endian systems only.
func bytesOf[T onnxruntime_go.TensorData](v []T) []byte {
	if len(v) == 0 {
		return []byte{}
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&v[0])), len(v)*int(unsafe.Sizeof(v[0])))
}

// elements shows bytes as elements, in a copy where they are not aligned.
func elements[T onnxruntime_go.TensorData](b []byte) []T {
	var zero T
	size := int(unsafe.Sizeof(zero))
	n := len(b) / size
	if n == 0 {
		return nil
	}
	if uintptr(unsafe.Pointer(&b[0]))%uintptr(size) != 0 {
		out := make([]T, n)
		copy(bytesOf(out), b)
		return out
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&b[0])), n)
}

// clone copies a value's elements.
func (v Value) clone() Value {
	return Value{Dims: slices.Clone(v.Dims), Type: v.Type, F: slices.Clone(v.F), Raw: slices.Clone(v.Raw)}
}
