// SPDX-License-Identifier: Apache-2.0

package data

import (
	"context"
	"fmt"
)

// Batch writes input field of the samples idx to dst, preprocessed, one after
// another. dst has len(idx) times the product of Dims(field) elements. It fails
// where a file that is read again can't be or has changed since Open.
func (s *Set) Batch(field int, idx []int, dst []float32) error {
	f := &s.src.fields[field]
	width := elements(f.dims)
	if len(dst) != len(idx)*width {
		panic("data: the batch's buffer has another length than the batch")
	}
	some := func(from, to int) error {
		var buf, turned []byte
		if f.col.needsBuffer() {
			buf = make([]byte, f.col.width())
		}
		if f.rows > 0 {
			turned = make([]byte, f.col.width())
		}
		for j := from; j < to; j++ {
			raw, err := f.col.row(s.order[idx[j]], buf)
			if err != nil {
				return fmt.Errorf("%s: %w", clean(s.Name(idx[j])), err)
			}
			if f.rows > 0 {
				transpose(turned, raw, f.rows, f.cols, f.col.kind().size())
				raw = turned
			}
			f.prep.apply(dst[j*width:(j+1)*width], raw, f.col.kind())
		}
		return nil
	}
	if f.col.costly() {
		return parallel(context.Background(), len(idx), 4, some)
	}
	return some(0, len(idx))
}

// transpose turns a matrix of rows x cols elements of size bytes.
func transpose(dst, src []byte, rows, cols, size int) {
	for r := range rows {
		for c := range cols {
			from, to := (r*cols+c)*size, (c*rows+r)*size
			copy(dst[to:to+size], src[from:from+size])
		}
	}
}
