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
