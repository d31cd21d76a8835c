// SPDX-License-Identifier: Apache-2.0

package data

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"sync"

	"github.com/kdcompress/kdcompress/onnx"
)

// scan reads every row once: it hashes its content and notes the rows that
// can't be used. It fills keys, and adds to bad. Pictures come with both.
func (s *source) scan(ctx context.Context) error {
	for i := range s.fields {
		if f := &s.fields[i]; f.col.kind().size() == 1 && !f.prep.plain {
			f.prep.tabulate(f.col.kind())
		}
	}
	if s.keys != nil {
		return nil
	}
	keys := make([][16]byte, s.n)
	if s.bad == nil {
		s.bad = map[int]error{}
	}
	var mu sync.Mutex
	err := parallel(ctx, s.n, 256, func(from, to int) error {
		bufs := make([][]byte, len(s.fields))
		for j, f := range s.fields {
			bufs[j] = make([]byte, f.col.width())
		}
		h := sha256.New()
		var sum [sha256.Size]byte
		for i := from; i < to; i++ {
			h.Reset()
			for j := range s.fields {
				f := &s.fields[j]
				raw, err := stored(f.col, i, bufs[j])
				if err != nil {
					return fmt.Errorf("%s: row %d: %w", s.path, i+1, err)
				}
				h.Write([]byte{byte(f.col.kind())})
				h.Write(binary.LittleEndian.AppendUint64(sum[:0], uint64(len(raw))))
				h.Write(raw)
				if err := f.unusable(raw); err != nil {
					mu.Lock()
					if s.bad[i] == nil {
						s.bad[i] = err
					}
					mu.Unlock()
				}
			}
			copy(keys[i][:], h.Sum(sum[:0]))
		}
		return nil
	})
	s.keys = keys
	return err
}

// stored is row i as the file holds it, before any resizing.
func stored(c column, i int, buf []byte) ([]byte, error) {
	if r, ok := c.(*resized); ok {
		return r.array.row(i, make([]byte, r.array.width()))
	}
	return c.row(i, buf)
}

// unusable says what keeps a row from being given to the model.
func (f *field) unusable(raw []byte) error {
	k := f.col.kind()
	if i := notFinite(k, raw); i >= 0 {
		what := "infinity"
		if math.IsNaN(k.at(raw, i)) {
			what = "NaN"
		} else if k == kindF64 && finite(k.at(raw, i)) {
			what = fmt.Sprintf("%g, beyond float32", k.at(raw, i))
		}
		return fmt.Errorf("value %d is %s", i+1, what)
	}
	if !f.want.whole() {
		return nil
	}
	lo, hi := wholeRange(f.want.Type)
	for i := range len(raw) / k.size() {
		if v := k.at(raw, i); v != math.Trunc(v) || v < lo || v > hi {
			return fmt.Errorf("value %d is %s, and input %q takes whole numbers from %s to %s", i+1, number(v), clean(f.want.Name), number(lo), number(hi))
		}
	}
	return nil
}

// notFinite finds the first element that is not finite as float32, -1 if none.
func notFinite(k kind, raw []byte) int {
	switch k {
	case kindF16:
		for i := 0; i+2 <= len(raw); i += 2 {
			if binary.LittleEndian.Uint16(raw[i:])&0x7c00 == 0x7c00 {
				return i / 2
			}
		}
	case kindF32:
		for i := 0; i+4 <= len(raw); i += 4 {
			if binary.LittleEndian.Uint32(raw[i:])&0x7f800000 == 0x7f800000 {
				return i / 4
			}
		}
	case kindF64:
		for i := 0; i+8 <= len(raw); i += 8 {
			v := float32(math.Float64frombits(binary.LittleEndian.Uint64(raw[i:])))
			if math.Float32bits(v)&0x7f800000 == 0x7f800000 {
				return i / 8
			}
		}
	}
	return -1
}

// wholeRange is what an input type takes and a float32 holds exactly.
func wholeRange(t onnx.DataType) (lo, hi float64) {
	const exact = 1 << 24
	switch t {
	case onnx.Bool:
		return 0, 1
	case onnx.Uint8:
		return 0, math.MaxUint8
	case onnx.Int8:
		return math.MinInt8, math.MaxInt8
	case onnx.Uint16:
		return 0, math.MaxUint16
	case onnx.Int16:
		return math.MinInt16, math.MaxInt16
	case onnx.Uint32, onnx.Uint64:
		return 0, exact
	}
	return -exact, exact
}
