// SPDX-License-Identifier: Apache-2.0

package data

import (
	"archive/zip"
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
)

// WriteNPY writes an array in C order as an .npy file of version 1.0,
// little-endian. data has the product of dims elements.
func WriteNPY[T float32 | int64](w io.Writer, dims []int, data []T) error {
	if n, ok := product(dims); !ok || n != len(data) {
		panic("data: an array's dimensions and its number of values differ")
	}
	descr := "<f4"
	if _, whole := any(data).([]int64); whole {
		descr = "<i8"
	}
	out := bufio.NewWriter(w)
	out.WriteString(npyHead(descr, dims))
	var buf []byte
	for _, v := range data {
		switch v := any(v).(type) {
		case float32:
			buf = binary.LittleEndian.AppendUint32(buf[:0], math.Float32bits(v))
		case int64:
			buf = binary.LittleEndian.AppendUint64(buf[:0], uint64(v))
		}
		out.Write(buf)
	}
	return out.Flush()
}

// npyHead is the head of a file, padded so that the values start at a multiple
// of 64 bytes, as the format asks for.
func npyHead(descr string, dims []int) string {
	var shape strings.Builder
	for _, d := range dims {
		fmt.Fprintf(&shape, "%d, ", d)
	}
	tuple := strings.TrimSuffix(shape.String(), " ")
	if len(dims) > 1 {
		tuple = strings.TrimSuffix(tuple, ",")
	}
	dict := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, tuple)
	const before = len(npyMagic) + 4
	pad := 63 - (before+len(dict))%64
	dict += strings.Repeat(" ", pad) + "\n"
	return npyMagic + "\x01\x00" + string(binary.LittleEndian.AppendUint16(nil, uint16(len(dict)))) + dict
}

// Array is a named array for WriteNPZ: float32 values, or whole numbers where
// Values is nil.
type Array struct {
	Name   string
	Dims   []int
	Values []float32
	Whole  []int64
}

// WriteNPZ writes arrays as an .npz file, uncompressed, so that Open can leave
// them on disk. The same arrays give the same bytes.
func WriteNPZ(w io.Writer, arrays ...Array) error {
	z := zip.NewWriter(w)
	for _, a := range arrays {
		f, err := z.CreateHeader(&zip.FileHeader{Name: a.Name + ".npy", Method: zip.Store})
		if err != nil {
			return err
		}
		if a.Values != nil {
			err = WriteNPY(f, a.Dims, a.Values)
		} else {
			err = WriteNPY(f, a.Dims, a.Whole)
		}
		if err != nil {
			return err
		}
	}
	return z.Close()
}
