// SPDX-License-Identifier: Apache-2.0

package data

import (
	"encoding/binary"
	"math"
)

// kind is the element type of a stored array. Values are little-endian wherever
// this package hands them on.
type kind uint8

const (
	kindNone kind = iota
	kindU8
	kindI8
	kindBool
	kindU16
	kindI16
	kindF16
	kindU32
	kindI32
	kindF32
	kindU64
	kindI64
	kindF64
)

var kinds = [...]struct {
	name string
	size int
}{
	kindNone: {"unknown", 0},
	kindU8:   {"uint8", 1}, kindI8: {"int8", 1}, kindBool: {"bool", 1},
	kindU16: {"uint16", 2}, kindI16: {"int16", 2}, kindF16: {"float16", 2},
	kindU32: {"uint32", 4}, kindI32: {"int32", 4}, kindF32: {"float32", 4},
	kindU64: {"uint64", 8}, kindI64: {"int64", 8}, kindF64: {"float64", 8},
}

func (k kind) String() string { return kinds[k].name }
func (k kind) size() int      { return kinds[k].size }

func (k kind) float() bool { return k == kindF16 || k == kindF32 || k == kindF64 }

// at reads element i.
func (k kind) at(src []byte, i int) float64 {
	le := binary.LittleEndian
	switch k {
	case kindU8:
		return float64(src[i])
	case kindI8:
		return float64(int8(src[i]))
	case kindBool:
		if src[i] != 0 {
			return 1
		}
		return 0
	case kindU16:
		return float64(le.Uint16(src[2*i:]))
	case kindI16:
		return float64(int16(le.Uint16(src[2*i:])))
	case kindF16:
		return float64(half(le.Uint16(src[2*i:])))
	case kindU32:
		return float64(le.Uint32(src[4*i:]))
	case kindI32:
		return float64(int32(le.Uint32(src[4*i:])))
	case kindF32:
		return float64(math.Float32frombits(le.Uint32(src[4*i:])))
	case kindU64:
		return float64(le.Uint64(src[8*i:]))
	case kindI64:
		return float64(int64(le.Uint64(src[8*i:])))
	case kindF64:
		return math.Float64frombits(le.Uint64(src[8*i:]))
	}
	panic("data: element of an unknown kind")
}

// widen converts len(dst) elements.
func (k kind) widen(dst []float32, src []byte) {
	switch k {
	case kindF32:
		src = src[:4*len(dst)]
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		}
	case kindU8:
		src = src[:len(dst)]
		for i, v := range src {
			dst[i] = float32(v)
		}
	default:
		for i := range dst {
			dst[i] = float32(k.at(src, i))
		}
	}
}

// swap turns every element of b end for end.
func (k kind) swap(b []byte) {
	for n := k.size(); len(b) >= n && n > 1; b = b[n:] {
		for i, j := 0, n-1; i < j; i, j = i+1, j-1 {
			b[i], b[j] = b[j], b[i]
		}
	}
}

// half widens an IEEE 754 binary16 number.
func half(h uint16) float32 {
	exp, frac := int(h>>10)&0x1f, float64(h&0x3ff)
	var v float64
	switch {
	case exp == 0x1f && frac != 0:
		v = math.NaN()
	case exp == 0x1f:
		v = math.Inf(1)
	case exp == 0:
		v = math.Ldexp(frac, -24)
	default:
		v = math.Ldexp(1+frac/1024, exp-15)
	}
	if h&0x8000 != 0 {
		v = -v
	}
	return float32(v)
}
