// SPDX-License-Identifier: Apache-2.0

package data

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

func TestReadExactly(t *testing.T) {
	long := bytes.Repeat([]byte{1, 2, 3, 4, 5, 6, 7}, 10<<20) // beyond the first step
	got, err := readExactly(bytes.NewReader(long), int64(len(long)))
	if err != nil || !bytes.Equal(got, long) {
		t.Errorf("%d of %d bytes, %v", len(got), len(long), err)
	}
	got, err = readExactly(strings.NewReader("abc"), math.MaxInt64/2)
	if !errors.Is(err, io.ErrUnexpectedEOF) || string(got) != "abc" || cap(got) > 64<<20 {
		t.Errorf("a short file gave %d bytes in a buffer of %d, %v", len(got), cap(got), err)
	}
}

func TestProduct(t *testing.T) {
	for _, c := range []struct {
		name string
		dims []int
		n    int
		ok   bool
	}{
		{"none", nil, 1, true}, {"some", []int{2, 3, 4}, 24, true}, {"zero", []int{5, 0}, 0, true},
		{"open", []int{2, -1}, 0, false}, {"overflow", []int{1 << 32, 1 << 32}, 0, false}, {"beyond a file", []int{1 << 60}, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if n, ok := product(c.dims); n != c.n || ok != c.ok {
				t.Errorf("%d, %v", n, ok)
			}
		})
	}
}
