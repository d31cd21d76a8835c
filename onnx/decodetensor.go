// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/proto"

	"github.com/kdcompress/kdcompress/onnx/internal/pb"
)

// decodeTensor takes the elements from whichever field of the message holds
// them into raw little-endian form.
func decodeTensor(p *pb.TensorProto) (*Tensor, error) {
	t := &Tensor{Name: p.Name, Type: DataType(p.DataType), Dims: p.Dims, Doc: p.DocString}
	if err := t.fill(p); err != nil {
		return nil, fmt.Errorf("%q: %w", quoteName(p.Name), err)
	}
	p.Name, p.DataType, p.Dims, p.DocString, p.RawData = "", 0, nil, "", nil
	p.FloatData, p.Int32Data, p.StringData = nil, nil, nil
	p.Int64Data, p.DoubleData, p.Uint64Data = nil, nil, nil
	var err error
	t.rest, err = keep(p)
	return t, err
}

// fill sets Data or Strings from the one field that holds the elements.
func (t *Tensor) fill(p *pb.TensorProto) error {
	if p.DataLocation == pb.TensorProto_EXTERNAL {
		return errExternal
	}
	n, err := elements(t.Dims)
	if err != nil {
		return err
	}
	if _, ok := dataTypes[t.Type]; !ok {
		return fmt.Errorf("data type %d is unknown", int32(t.Type))
	}
	used := 0
	for _, l := range []int{
		len(p.RawData), len(p.FloatData), len(p.Int32Data), len(p.StringData),
		len(p.Int64Data), len(p.DoubleData), len(p.Uint64Data),
	} {
		if l > 0 {
			used++
		}
	}
	if used > 1 {
		return errors.New("its data stands in several fields at once")
	}
	if t.Type == StringType {
		if used == 1 && len(p.StringData) == 0 {
			return errors.New("holds strings, but not in string_data")
		}
		if t.Strings = p.StringData; int64(len(t.Strings)) != n {
			return fmt.Errorf("holds %d strings where its dims %v say %d", len(t.Strings), t.Dims, n)
		}
		return nil
	}
	want, err := t.Type.bytes(n)
	if err != nil {
		return err
	}
	if used == 1 && len(p.RawData) == 0 {
		if t.Data = packTyped(p, t.Type); t.Data == nil {
			return fmt.Errorf("its data stands in a field that does not hold %s", t.Type)
		}
	} else {
		t.Data = p.RawData
	}
	if int64(len(t.Data)) != want {
		return fmt.Errorf("holds %d bytes where its type %s and dims %v say %d", len(t.Data), t.Type, t.Dims, want)
	}
	return nil
}

// elements multiplies dims, refusing negative ones and products no file can hold.
func elements(dims []int64) (int64, error) {
	n := int64(1)
	for _, d := range dims {
		if d < 0 {
			return 0, fmt.Errorf("dims %v contain a negative size", clip(dims))
		}
		if d == 0 {
			n = 0
		}
	}
	for _, d := range dims {
		if n != 0 && d > math.MaxInt32*8/n {
			return 0, fmt.Errorf("dims %v are more than a file can hold", clip(dims))
		}
		n *= d
	}
	return n, nil
}

// clip shortens a hostile list of dims for a message.
func clip(dims []int64) []int64 { return dims[:min(len(dims), 8)] }

// packTyped turns the typed data field in use into little-endian bytes. It
// returns nil if that field does not go with the type.
func packTyped(p *pb.TensorProto, t DataType) []byte {
	le := binary.LittleEndian
	out := []byte{}
	switch {
	case len(p.FloatData) > 0 && (t == Float32 || t == Complex64):
		for _, v := range p.FloatData {
			out = le.AppendUint32(out, math.Float32bits(v))
		}
	case len(p.DoubleData) > 0 && (t == Float64 || t == Complex128):
		for _, v := range p.DoubleData {
			out = le.AppendUint64(out, math.Float64bits(v))
		}
	case len(p.Int64Data) > 0 && t == Int64:
		for _, v := range p.Int64Data {
			out = le.AppendUint64(out, uint64(v))
		}
	case len(p.Uint64Data) > 0 && t == Uint64:
		for _, v := range p.Uint64Data {
			out = le.AppendUint64(out, v)
		}
	case len(p.Uint64Data) > 0 && t == Uint32:
		for _, v := range p.Uint64Data {
			out = le.AppendUint32(out, uint32(v))
		}
	case len(p.Int32Data) > 0:
		return packInt32(p.Int32Data, t)
	default:
		return nil
	}
	return out
}

// packInt32 packs int32_data, which serves all integers up to 32 bits, booleans
// and the bit patterns of the small floats. Elements below a byte come packed,
// one byte to an entry.
func packInt32(data []int32, t DataType) []byte {
	le := binary.LittleEndian
	out := []byte{}
	switch {
	case t == Int32:
		for _, v := range data {
			out = le.AppendUint32(out, uint32(v))
		}
	case t == Int16 || t == Uint16 || t == Float16 || t == BFloat16:
		for _, v := range data {
			out = le.AppendUint16(out, uint16(v))
		}
	case t == Bool:
		for _, v := range data {
			b := byte(0)
			if v != 0 {
				b = 1
			}
			out = append(out, b)
		}
	case t.Bits() <= 8 && t.Bits() > 0:
		for _, v := range data {
			out = append(out, byte(v))
		}
	default:
		return nil
	}
	return out
}

// DecodeTensor reads a tensor from the bytes of a file of its own, a serialised
// TensorProto as the ONNX backend tests hold their inputs and outputs.
func DecodeTensor(data []byte) (*Tensor, error) {
	p := &pb.TensorProto{}
	if err := (proto.UnmarshalOptions{RecursionLimit: maxMessageDepth}).Unmarshal(data, p); err != nil {
		return nil, &Error{Err: fmt.Errorf("not a tensor: %s", plainSpaces(err.Error()))}
	}
	t, err := decodeTensor(p)
	if err != nil {
		return nil, &Error{Err: err}
	}
	return t, nil
}
