// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/kdcompress/kdcompress/onnx/internal/pb"
)

// Tensor is a named constant. Data holds the elements little-endian in row-major
// order, whatever field of the file they came from; strings are in Strings.
type Tensor struct {
	Name    string
	Type    DataType
	Dims    []int64
	Data    []byte
	Strings [][]byte
	Doc     string

	rest *pb.TensorProto
}

// Len is the number of elements, the product of Dims; 1 for a scalar.
func (t *Tensor) Len() int {
	n := 1
	for _, d := range t.Dims {
		n *= int(d)
	}
	return n
}

// Number is an element type that tensors convert to.
type Number interface {
	~float32 | ~float64 | ~int64
}

// NewFloat32 is a float32 tensor holding a copy of v.
func NewFloat32(name string, dims []int64, v []float32) *Tensor {
	t := &Tensor{Name: name, Type: Float32, Dims: slices.Clone(dims), Data: make([]byte, 4*len(v))}
	for i, x := range v {
		binary.LittleEndian.PutUint32(t.Data[4*i:], math.Float32bits(x))
	}
	return t.sized(len(v))
}

// NewInt64 is an int64 tensor holding a copy of v.
func NewInt64(name string, dims []int64, v []int64) *Tensor {
	t := &Tensor{Name: name, Type: Int64, Dims: slices.Clone(dims), Data: make([]byte, 8*len(v))}
	for i, x := range v {
		binary.LittleEndian.PutUint64(t.Data[8*i:], uint64(x))
	}
	return t.sized(len(v))
}

func (t *Tensor) sized(n int) *Tensor {
	if t.Len() != n {
		panic("onnx: tensor dims do not match the number of values")
	}
	return t
}

// Values converts the elements of a numeric tensor to T, in row-major order.
// Booleans become 0 and 1. Strings, complex and packed sub-byte types are errors.
func Values[T Number](t *Tensor) ([]T, error) {
	n := t.Len()
	size := t.Type.Size()
	if size == 0 || len(t.Data) != n*size {
		return nil, fmt.Errorf("tensor %q of type %s: %d bytes cannot be read as %d numbers", t.Name, t.Type, len(t.Data), n)
	}
	out := make([]T, n)
	d := t.Data
	le := binary.LittleEndian
	switch t.Type {
	case Float32:
		for i := range out {
			out[i] = T(math.Float32frombits(le.Uint32(d[4*i:])))
		}
	case Float64:
		for i := range out {
			out[i] = T(math.Float64frombits(le.Uint64(d[8*i:])))
		}
	case Float16:
		for i := range out {
			out[i] = T(float16To32(le.Uint16(d[2*i:])))
		}
	case BFloat16:
		for i := range out {
			out[i] = T(math.Float32frombits(uint32(le.Uint16(d[2*i:])) << 16))
		}
	case Int8:
		for i := range out {
			out[i] = T(int8(d[i]))
		}
	case Uint8, Bool:
		for i := range out {
			out[i] = T(d[i])
		}
	case Int16:
		for i := range out {
			out[i] = T(int16(le.Uint16(d[2*i:])))
		}
	case Uint16:
		for i := range out {
			out[i] = T(le.Uint16(d[2*i:]))
		}
	case Int32:
		for i := range out {
			out[i] = T(int32(le.Uint32(d[4*i:])))
		}
	case Uint32:
		for i := range out {
			out[i] = T(le.Uint32(d[4*i:]))
		}
	case Int64:
		for i := range out {
			out[i] = T(int64(le.Uint64(d[8*i:])))
		}
	case Uint64:
		for i := range out {
			out[i] = T(le.Uint64(d[8*i:]))
		}
	default:
		return nil, fmt.Errorf("tensor %q: elements of type %s are not numbers", t.Name, t.Type)
	}
	return out, nil
}
