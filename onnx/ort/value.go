// SPDX-License-Identifier: Apache-2.0

package ort

import (
	"fmt"
	"math"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// Value is a dense tensor fed to or fetched from a session, row-major. Dims is
// empty for a scalar.
type Value struct {
	Dims []int64
	Type onnx.DataType
	F    []float32 // the elements of a Float32 tensor, nil for other types
	Raw  []byte    // the elements of any other type, little-endian
}

// Len is the number of elements, 1 for a scalar.
func (v Value) Len() int {
	n, err := count(v.Dims)
	if err != nil {
		return 0
	}
	return n
}

// FromFloat32 is a tensor of type t holding the numbers v; dims says its shape.
// A Float32 tensor shares v. A number that an integer or boolean type cannot
// represent exactly is an error; floating-point types round to nearest even.
func FromFloat32(t onnx.DataType, dims []int64, v []float32) (Value, error) {
	n, err := count(dims)
	if err != nil {
		return Value{}, err
	}
	if n != len(v) {
		return Value{}, fmt.Errorf("%d numbers do not fill a tensor of shape %v", len(v), dims)
	}
	out := Value{Dims: slices.Clone(dims), Type: t}
	if t == onnx.Float32 {
		out.F = v
		return out, nil
	}
	if t.IsFloat() {
		out.Raw = onnx.FloatData(t, v)
		return out, nil
	}
	lo, hi, ok := integerRange(t)
	if !ok {
		return Value{}, fmt.Errorf("numbers cannot be turned into elements of type %s", t)
	}
	for i, x := range v {
		// The comparison is false for NaN. Both bounds are powers of two, or small.
		if !(float64(x) >= lo && float64(x) < hi) || x != float32(math.Trunc(float64(x))) {
			return Value{}, fmt.Errorf("element %d is %v, which type %s cannot hold", i, x, t)
		}
	}
	out.Raw = putIntegers(t, v)
	return out, nil
}

// Float32s returns the elements as float32: those of a Float32 tensor
// themselves, others converted. Integers beyond 2^24 and doubles lose
// precision. Elements that are not numbers are an error.
func (v Value) Float32s() ([]float32, error) {
	if v.Type == onnx.Float32 {
		return v.F, nil
	}
	return onnx.Values[float32](&onnx.Tensor{Type: v.Type, Dims: v.Dims, Data: v.Raw})
}

// check says whether the elements fill the shape.
func (v Value) check() error {
	n, err := count(v.Dims)
	if err != nil {
		return err
	}
	size := v.Type.Size()
	switch {
	case v.Type == onnx.Float32 && len(v.F) != n:
		return fmt.Errorf("%d elements do not fill shape %v", len(v.F), v.Dims)
	case v.Type == onnx.Float32:
		return nil
	case size == 0:
		return fmt.Errorf("elements of type %s are not supported", v.Type)
	case len(v.Raw) != n*size:
		return fmt.Errorf("%d bytes do not fill shape %v of type %s", len(v.Raw), v.Dims, v.Type)
	}
	return nil
}

// count is the product of dims.
func count(dims []int64) (int, error) {
	n := int64(1)
	for _, d := range dims {
		if d < 0 || (d > 0 && n > math.MaxInt32*int64(1024)/d) {
			return 0, fmt.Errorf("shape %v is negative or too large", dims)
		}
		n *= d
	}
	return int(n), nil
}
