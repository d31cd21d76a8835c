// SPDX-License-Identifier: Apache-2.0

package ort

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

func TestFromFloat32RoundTrip(t *testing.T) {
	cases := []struct {
		typ onnx.DataType
		v   []float32
	}{
		{onnx.Float32, []float32{0, -1.5, 3e38}},
		{onnx.Float64, []float32{0.1, -3e38, 1e-45}},
		{onnx.Float16, []float32{1, -2.5, 65504, 6.1035156e-05, 5.9604645e-08, 0}},
		{onnx.BFloat16, []float32{1, -2.5, 1.5e38}},
		{onnx.Int8, []float32{-128, 127, 0}},
		{onnx.Uint8, []float32{0, 255}},
		{onnx.Int16, []float32{-32768, 32767}},
		{onnx.Uint16, []float32{0, 65535}},
		{onnx.Int32, []float32{-2147483648, 2147483520}},
		{onnx.Uint32, []float32{0, 4294967040}},
		{onnx.Int64, []float32{-9223372036854775808, 9223371487098961920, 7}},
		{onnx.Uint64, []float32{18446742974197923840, 0}},
		{onnx.Bool, []float32{0, 1}},
	}
	for _, c := range cases {
		t.Run(c.typ.String(), func(t *testing.T) {
			want := c.v
			if c.typ == onnx.BFloat16 {
				want = slices.Clone(c.v)
				want[2] = math.Float32frombits((math.Float32bits(c.v[2]) + 0x8000) &^ 0xffff)
			}
			x := numbersOf(t, c.typ, []int64{int64(len(c.v))}, c.v...)
			if err := x.check(); err != nil {
				t.Fatal(err)
			}
			got, err := x.Float32s()
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("got %v, %v, want %v", got, err, want)
			}
		})
	}
}

func TestFromFloat32Refuses(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	cases := []struct {
		name string
		typ  onnx.DataType
		dims []int64
		v    []float32
		want string
	}{
		{"fraction", onnx.Int64, []int64{2}, []float32{1, 0.5}, "element 1 is 0.5"},
		{"NaN", onnx.Int32, []int64{1}, []float32{nan}, "element 0 is NaN"},
		{"infinity", onnx.Int64, []int64{1}, []float32{inf}, "+Inf"},
		{"negative unsigned", onnx.Uint8, []int64{1}, []float32{-1}, "uint8 cannot hold"},
		{"too large", onnx.Uint8, []int64{1}, []float32{256}, "uint8 cannot hold"},
		{"past int64", onnx.Int64, []int64{1}, []float32{9223372036854775808}, "int64 cannot hold"},
		{"two as bool", onnx.Bool, []int64{1}, []float32{2}, "bool cannot hold"},
		{"string", onnx.StringType, []int64{1}, []float32{2}, "string"},
		{"shape", onnx.Float32, []int64{3}, []float32{2}, "do not fill"},
		{"negative shape", onnx.Float32, []int64{-1}, []float32{2}, "negative"},
		{"overflowing shape", onnx.Float32, []int64{1 << 40, 1 << 40}, nil, "too large"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := FromFloat32(c.typ, c.dims, c.v); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// TestFloat16Rounding holds the conversion against the definition: no binary16
// number is nearer, and of two equally near ones the even one is taken.
func TestFloat16Rounding(t *testing.T) {
	all := make([]byte, 2*0x7c00)
	for h := range 0x7c00 {
		binary.LittleEndian.PutUint16(all[2*h:], uint16(h))
	}
	grid, err := Value{Dims: []int64{0x7c00}, Type: onnx.Float16, Raw: all}.Float32s()
	if err != nil {
		t.Fatal(err)
	}
	for h := 0; h+1 < len(grid); h++ {
		lo, hi := grid[h], grid[h+1]
		mid := lo + (hi-lo)/2 // exact: binary16 has 13 bits fewer
		even := uint16(h + h&1)
		for _, c := range []struct {
			x    float32
			want uint16
		}{
			{lo, uint16(h)},
			{math.Nextafter32(mid, lo), uint16(h)},
			{mid, even},
			{math.Nextafter32(mid, hi), uint16(h + 1)},
			{-mid, even | 0x8000},
		} {
			if got := binary.LittleEndian.Uint16(onnx.FloatData(onnx.Float16, []float32{c.x})); got != c.want {
				t.Fatalf("%g: got %#x, want %#x", c.x, got, c.want)
			}
		}
	}
	for _, c := range []struct {
		name string
		x    float32
		want uint16
	}{
		{"largest", 65519, 0x7bff}, {"overflow", 65520, 0x7c00}, {"infinity", float32(math.Inf(-1)), 0xfc00},
		{"NaN", float32(math.NaN()), 0x7e00}, {"negative zero", float32(math.Copysign(0, -1)), 0x8000},
	} {
		if got := binary.LittleEndian.Uint16(onnx.FloatData(onnx.Float16, []float32{c.x})); got != c.want {
			t.Errorf("%s: got %#x, want %#x", c.name, got, c.want)
		}
	}
	for _, c := range []struct {
		name string
		x    uint32
		want uint16
	}{
		{"down", 0x3f808000 - 1, 0x3f80}, {"tie to even", 0x3f808000, 0x3f80}, {"tie up", 0x3f818000, 0x3f82},
		{"overflow", 0x7f7fffff, 0x7f80}, {"NaN", 0x7f800001, 0x7fc0},
	} {
		if got := binary.LittleEndian.Uint16(onnx.FloatData(onnx.BFloat16, []float32{math.Float32frombits(c.x)})); got != c.want {
			t.Errorf("bfloat16 %s: got %#x, want %#x", c.name, got, c.want)
		}
	}
}
