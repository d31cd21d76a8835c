// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"encoding/binary"
	"math"
)

// FloatData encodes numbers as the elements of a tensor of a floating-point type,
// rounded to the nearest, ties to even. Other types panic.
func FloatData(t DataType, v []float32) []byte {
	if !t.IsFloat() {
		panic("onnx: not a floating-point type")
	}
	size := t.Size()
	out := make([]byte, size*len(v))
	le := binary.LittleEndian
	for i, x := range v {
		switch b := out[i*size:]; t {
		case Float64:
			le.PutUint64(b, math.Float64bits(float64(x)))
		case Float32:
			le.PutUint32(b, math.Float32bits(x))
		case Float16:
			le.PutUint16(b, toFloat16(x))
		default:
			le.PutUint16(b, toBFloat16(x))
		}
	}
	return out
}

// toFloat16 rounds to the nearest IEEE 754 binary16 number, ties to even.
func toFloat16(x float32) uint16 {
	bits := math.Float32bits(x)
	sign := uint16(bits >> 16 & 0x8000)
	mag := bits & 0x7fffffff
	switch {
	case mag > 0x7f800000: // NaN stays a quiet NaN
		return sign | 0x7e00 | uint16(mag>>13&0x1ff)
	case mag >= 0x477ff000: // 65520 and above round to infinity
		return sign | 0x7c00
	case mag >= 0x38800000: // normal: rebias the exponent, then round 13 bits off
		mag -= 112 << 23
		return sign | uint16((mag+0xfff+mag>>13&1)>>13)
	}
	// Subnormal: a multiple of 2^-24, which is exact in float64.
	return sign | uint16(math.RoundToEven(math.Ldexp(float64(math.Float32frombits(mag)), 24)))
}

// toBFloat16 rounds to the nearest bfloat16 number, ties to even.
func toBFloat16(x float32) uint16 {
	bits := math.Float32bits(x)
	if bits&0x7fffffff > 0x7f800000 {
		return uint16(bits>>16) | 0x40
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}
