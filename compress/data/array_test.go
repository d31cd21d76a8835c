// SPDX-License-Identifier: Apache-2.0

package data

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

func TestNPYVersionsAndByteOrders(t *testing.T) {
	var keys [][16]byte
	for _, file := range []string{"valid-v1.npy", "valid-v2.npy", "valid-v3.npy", "valid-big-endian.npy"} {
		t.Run(file, func(t *testing.T) {
			for _, memory := range []int64{0, 1} { // in memory, on disk
				s := open(t, filepath.Join("testdata", file), input1(3), Options{Memory: memory})
				wantValues(t, all(t, s, 0), 0, 1, 2, 3, 4, 5)
				keys = append(keys, s.Key(1))
			}
		})
	}
	for _, k := range keys {
		if k != keys[0] {
			t.Error("the same values have different keys in different files")
		}
	}
}

// npyFile is an .npy file with values in their own little-endian type.
func npyFile(descr string, dims []int, values any) []byte {
	b := bytes.NewBufferString(npyHead(descr, dims))
	if err := binary.Write(b, binary.LittleEndian, values); err != nil {
		panic("data: values of a test are not of fixed size")
	}
	return b.Bytes()
}

func TestNPYTypes(t *testing.T) {
	for _, c := range []struct {
		descr  string
		values any
		want   []float32
	}{
		{"|u1", []uint8{0, 128, 255}, []float32{0, 128, 255}},
		{"|i1", []int8{-128, 0, 127}, []float32{-128, 0, 127}},
		{"|b1", []uint8{0, 1, 1}, []float32{0, 1, 1}},
		{"<u2", []uint16{0, 1, 65535}, []float32{0, 1, 65535}},
		{"<i2", []int16{-32768, 0, 32767}, []float32{-32768, 0, 32767}},
		{"<f2", []uint16{0x3c00, 0xc000, 0x0001}, []float32{1, -2, 1.0 / (1 << 24)}},
		{"<u4", []uint32{0, 1, 1 << 24}, []float32{0, 1, 1 << 24}},
		{"<i4", []int32{-1, 0, 1}, []float32{-1, 0, 1}},
		{"<f4", []float32{-1.5, 0, 3.25}, []float32{-1.5, 0, 3.25}},
		{"<u8", []uint64{0, 7, 1 << 24}, []float32{0, 7, 1 << 24}},
		{"<i8", []int64{-3, 0, 1 << 24}, []float32{-3, 0, 1 << 24}},
		{"<f8", []float64{0.1, 0, -1e30}, []float32{0.1, 0, -1e30}},
	} {
		t.Run(c.descr, func(t *testing.T) {
			path := write(t, "x.npy", npyFile(c.descr, []int{1, 3}, c.values))
			wantValues(t, all(t, open(t, path, input1(3), Options{}), 0), c.want...)
		})
	}
}

func TestHalfAgreesWithEveryValue(t *testing.T) {
	// Between neighbours of a sign the step never shrinks, and the ends are known.
	if half(0x7bff) != 65504 || half(0x0400) != 1.0/(1<<14) || half(0x8001) != -1.0/(1<<24) {
		t.Error("largest, least normal or least subnormal number is wrong")
	}
	for h := uint16(0); h < 0x7c00; h++ {
		if !(half(h+1) > half(h)) || half(h|0x8000) != -half(h) {
			t.Fatalf("half is not monotonic and odd at 0x%04x", h)
		}
	}
	if !math.IsInf(float64(half(0xfc00)), -1) || half(0x7e00) == half(0x7e00) {
		t.Error("infinity or NaN is wrong")
	}
}

func TestIDX(t *testing.T) {
	for _, c := range []struct {
		name, file string
		o          Options
		want       []float32
	}{
		{"bytes unscaled", "valid-u8.idx", Options{Scale: 1}, []float32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
		{"gzip", "valid-u8.idx.gz", Options{Scale: 1}, []float32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
		{"limit", "valid-u8.idx.gz", Options{Scale: 1, Limit: 1}, []float32{0, 1, 2, 3}},
		{"on disk", "valid-u8.idx", Options{Scale: 1, Memory: 1, Limit: 2}, []float32{0, 1, 2, 3, 4, 5, 6, 7}},
		{"bytes by default", "valid-u8.idx", Options{Limit: 1}, []float32{0, 1.0 / 255, 2.0 / 255, 3.0 / 255}},
		{"big-endian", "valid-i16.idx", Options{}, []float32{-1, 2, 300, -400}},
		{"normalised", "valid-i16.idx", Options{Scale: 0.5, Mean: []float64{1}, Std: []float64{2}}, []float32{-0.75, 0, 74.5, -100.5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, filepath.Join("testdata", c.file), input1(-1), c.o)
			wantValues(t, all(t, s, 0), c.want...)
		})
	}
}

func TestPackedBeyondMemory(t *testing.T) {
	_, err := Open(context.Background(), "testdata/valid-u8.idx.gz", input1(2, 2), Options{Memory: 8})
	wantError(t, err, "more than the 8 that are kept in memory", "unpack it")
}

func TestWholeNumberInputs(t *testing.T) {
	for _, c := range []struct {
		name string
		kind onnx.DataType
		bad  []int // rows
	}{
		{"int64", onnx.Int64, []int{1, 4}},
		{"uint8", onnx.Uint8, []int{1, 2, 3, 4}},
		{"bool", onnx.Bool, []int{0, 1, 2, 3, 4}},
		{"float", onnx.Float32, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, "x.npy", npyFile("<f8", []int{6, 1}, []float64{7, 1.5, 256, -1, 1 << 25, 0}))
			s := open(t, path, []Want{{Name: "ids", Dims: []int{1}, Type: c.kind}}, Options{MaxBad: 0.9})
			var bad []string
			for _, b := range s.Bad() {
				bad = append(bad, b.Name)
			}
			var want []string
			for _, r := range c.bad {
				want = append(want, rowName("x.npy", r))
			}
			if !slices.Equal(bad, want) {
				t.Errorf("left out %v, want %v", bad, want)
			}
		})
	}
}

func TestNaNIsFoundInEveryFloatType(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		descr  string
		values any
		text   string
	}{
		{"<f2", []uint16{0, 0x3c00, 0, 0x7e00}, "value 2 is NaN"},
		{"<f4", []float32{0, 1, 2, float32(inf)}, "value 2 is infinity"},
		{"<f8", []float64{0, 1, math.NaN(), 3}, "value 1 is NaN"},
		{"<f8", []float64{0, 1, 1e300, 3}, "value 1 is 1e+300, beyond float32"},
	} {
		t.Run(c.descr, func(t *testing.T) {
			path := write(t, "x.npy", npyFile(c.descr, []int{2, 2}, c.values))
			_, err := Open(context.Background(), path, input1(2), Options{})
			wantError(t, err, "1 of 2 samples are unusable (50%, tolerated 1%)", "row 2 of x.npy: "+c.text)
			s := open(t, path, input1(2), Options{MaxBad: 0.5})
			wantValues(t, all(t, s, 0), 0, 1)
		})
	}
}

func TestNPZ(t *testing.T) {
	var b bytes.Buffer
	err := WriteNPZ(&b,
		Array{Name: "ids", Dims: []int{3, 2}, Whole: []int64{1, 2, 3, 4, 5, 6}},
		Array{Name: "mask", Dims: []int{3}, Values: []float32{0.5, 1, 2}},
		Array{Name: "y", Dims: []int{3}, Whole: []int64{2, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, "x.npz", b.Bytes())
	want := []Want{{Name: "mask", Dims: []int{1}, Type: onnx.Float32}, {Name: "ids", Dims: []int{-1}, Type: onnx.Int64}}
	for _, c := range []struct {
		name string
		o    Options
	}{{"in memory", Options{Labels: "array:y"}}, {"on disk", Options{Labels: "array:y", Memory: 1}}} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, path, want, c.o)
			wantValues(t, all(t, s, 0), 0.5, 1, 2)
			wantValues(t, all(t, s, 1), 1, 2, 3, 4, 5, 6)
			if class, ok := s.Label(0); !ok || class != 2 || s.Classes() != nil {
				t.Errorf("label %d, %v, classes %v", class, ok, s.Classes())
			}
		})
	}
	t.Run("array by name missing", func(t *testing.T) {
		_, err := Open(context.Background(), path, input1(2), Options{})
		wantError(t, err, `no array named as the model's input "x": it has ids, mask, y`)
	})
	t.Run("only array", func(t *testing.T) {
		var b bytes.Buffer
		if err := WriteNPZ(&b, Array{Name: "arr_0", Dims: []int{1, 2}, Values: []float32{3, 4}}, Array{Name: "labels", Dims: []int{1}, Whole: []int64{0}}); err != nil {
			t.Fatal(err)
		}
		s := open(t, write(t, "y.npz", b.Bytes()), input1(2), Options{})
		wantValues(t, all(t, s, 0), 3, 4)
		if s.HasLabels() {
			t.Error("labels were read that nobody asked for")
		}
	})
}

func TestNPYIsReadAsWritten(t *testing.T) {
	for _, dims := range [][]int{{4}, {2, 2}, {1, 2, 2}} {
		var b bytes.Buffer
		if err := WriteNPY(&b, dims, []float32{1, 2, 3, 4}); err != nil {
			t.Fatal(err)
		}
		h, err := npyHeader(bytes.NewReader(b.Bytes()))
		if err != nil || h.elem != kindF32 || !slices.Equal(h.dims, dims) || h.bytes%64 != 0 {
			t.Errorf("%v: header %+v, %v", dims, h, err)
		}
	}
}

func TestKeysFollowContent(t *testing.T) {
	one := open(t, write(t, "a.npy", npyFile("|u1", []int{3, 2}, []uint8{1, 2, 3, 4, 1, 2})), input1(2), Options{})
	two := open(t, write(t, "b.npy", npyFile("|u1", []int{1, 2}, []uint8{3, 4})), input1(2), Options{Scale: 3})
	if one.Key(0) != one.Key(2) || one.Key(1) != two.Key(0) {
		t.Error("rows of the same content have different keys")
	}
	if one.Key(0) == one.Key(1) {
		t.Error("rows of different content have the same key")
	}
	if one.Digest() == two.Digest() {
		t.Error("another scale leaves the digest unchanged")
	}
}

func TestBatchFromDiskNamesWhatFails(t *testing.T) {
	path := write(t, "x.npy", npyFile("<f4", []int{2, 2}, []float32{1, 2, 3, 4}))
	s := open(t, path, input1(2), Options{Memory: 1})
	if err := os.Truncate(path, 70); err != nil {
		t.Fatal(err)
	}
	wantError(t, s.Batch(0, []int{1}, make([]float32, 2)), "row 2 of x.npy")
}
