// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"fmt"
	"math"
)

// DataType is the element type of a tensor, numbered as TensorProto.DataType
// numbers them (onnx.proto).
type DataType int32

// The element types this package names.
const (
	Undefined  DataType = 0
	Float32    DataType = 1
	Uint8      DataType = 2
	Int8       DataType = 3
	Uint16     DataType = 4
	Int16      DataType = 5
	Int32      DataType = 6
	Int64      DataType = 7
	StringType DataType = 8
	Bool       DataType = 9
	Float16    DataType = 10
	Float64    DataType = 11
	Uint32     DataType = 12
	Uint64     DataType = 13
	Complex64  DataType = 14
	Complex128 DataType = 15
	BFloat16   DataType = 16
)

var dataTypes = map[DataType]struct {
	name string
	size int
}{
	Float32: {"float", 4}, Uint8: {"uint8", 1}, Int8: {"int8", 1}, Uint16: {"uint16", 2},
	Int16: {"int16", 2}, Int32: {"int32", 4}, Int64: {"int64", 8}, StringType: {"string", 0},
	Bool: {"bool", 1}, Float16: {"float16", 2}, Float64: {"double", 8}, Uint32: {"uint32", 4},
	Uint64: {"uint64", 8}, Complex64: {"complex64", 8}, Complex128: {"complex128", 16}, BFloat16: {"bfloat16", 2},
	17: {"float8e4m3fn", 1}, 18: {"float8e4m3fnuz", 1}, 19: {"float8e5m2", 1}, 20: {"float8e5m2fnuz", 1},
	21: {"uint4", 0}, 22: {"int4", 0}, 23: {"float4e2m1", 0}, 24: {"float8e8m0", 1}, 25: {"uint2", 0}, 26: {"int2", 0},
}

// String is the name ONNX's text syntax gives the type.
func (d DataType) String() string {
	if t, ok := dataTypes[d]; ok {
		return t.name
	}
	if d == Undefined {
		return "undefined"
	}
	return fmt.Sprintf("type %d", int32(d))
}

// Size is the width of an element in bytes, 0 for strings and for types packed
// below a byte.
func (d DataType) Size() int { return dataTypes[d].size }

// Bits is the width of an element in bits, 0 for strings and unknown types.
func (d DataType) Bits() int {
	switch d {
	case 21, 22, 23:
		return 4
	case 25, 26:
		return 2
	}
	return 8 * d.Size()
}

// bytes is the room n elements take; types below a byte are packed without gaps.
func (d DataType) bytes(n int64) (int64, error) {
	bits := int64(d.Bits())
	if bits == 0 || n > math.MaxInt64/128 {
		return 0, fmt.Errorf("%d elements of type %s have no size", n, d)
	}
	return (n*bits + 7) / 8, nil
}

// IsFloat says whether the type is a floating-point one of at least 16 bits.
func (d DataType) IsFloat() bool {
	return d == Float32 || d == Float64 || d == Float16 || d == BFloat16
}

// float16To32 widens an IEEE 754 binary16 number.
func float16To32(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exp := uint32(h>>10) & 0x1f
	frac := uint32(h) & 0x3ff
	switch {
	case exp == 0x1f:
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	case exp != 0:
		return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
	}
	v := float32(frac) / (1 << 24)
	if sign != 0 {
		v = -v
	}
	return v
}
