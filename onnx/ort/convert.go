// SPDX-License-Identifier: Apache-2.0

package ort

import (
	"encoding/binary"
	"math"

	"github.com/kdcompress/kdcompress/onnx"
)

// integerRange returns the numbers lo <= x < hi that an integer type holds.
// ok is false for every other type.
func integerRange(t onnx.DataType) (lo, hi float64, ok bool) {
	switch t {
	case onnx.Bool:
		return 0, 2, true
	case onnx.Uint8, onnx.Uint16, onnx.Uint32, onnx.Uint64:
		return 0, math.Ldexp(1, 8*t.Size()), true
	case onnx.Int8, onnx.Int16, onnx.Int32, onnx.Int64:
		half := math.Ldexp(1, 8*t.Size()-1)
		return -half, half, true
	}
	return 0, 0, false
}

// putIntegers encodes whole numbers within integerRange(t).
func putIntegers(t onnx.DataType, v []float32) []byte {
	size := t.Size()
	out := make([]byte, size*len(v))
	le := binary.LittleEndian
	for i, x := range v {
		u := uint64(int64(x))
		if t == onnx.Uint64 {
			u = uint64(x)
		}
		switch b := out[i*size:]; size {
		case 1:
			b[0] = byte(u)
		case 2:
			le.PutUint16(b, uint16(u))
		case 4:
			le.PutUint32(b, uint32(u))
		default:
			le.PutUint64(b, u)
		}
	}
	return out
}

// putFloats encodes numbers as Float64, Float16 or BFloat16.
func putFloats(t onnx.DataType, v []float32) []byte {
	size := t.Size()
	out := make([]byte, size*len(v))
	le := binary.LittleEndian
	for i, x := range v {
		switch b := out[i*size:]; t {
		case onnx.Float64:
			le.PutUint64(b, math.Float64bits(float64(x)))
		case onnx.Float16:
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
