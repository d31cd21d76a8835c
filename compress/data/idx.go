// SPDX-License-Identifier: Apache-2.0

package data

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// idxKinds are the type codes of the IDX format, the third byte of a file
// (yann.lecun.com/exdb/mnist, "The IDX file format").
var idxKinds = [256]kind{
	0x08: kindU8, 0x09: kindI8, 0x0b: kindI16, 0x0c: kindI32, 0x0d: kindF32, 0x0e: kindF64,
}

// idxHeader reads the head of an IDX file: two zero bytes, the type, the number
// of dimensions, then each as a big-endian 32-bit size. Values are big-endian.
func idxHeader(r io.Reader) (header, error) {
	var magic [4]byte
	if _, err := io.ReadFull(r, magic[:]); err != nil {
		return header{}, headError("an IDX", err)
	}
	h := header{elem: idxKinds[magic[2]], big: true}
	rank := int(magic[3])
	switch {
	case magic[0] != 0 || magic[1] != 0:
		return h, fmt.Errorf("is no IDX file: it starts with % x", magic)
	case h.elem == kindNone:
		return h, fmt.Errorf("has the IDX type code 0x%02x, which means nothing", magic[2])
	case rank == 0 || rank > maxRank:
		return h, fmt.Errorf("has %d dimensions: 1 to %d are read", rank, maxRank)
	}
	sizes := make([]byte, 4*rank)
	if _, err := io.ReadFull(r, sizes); err != nil {
		return h, headError("an IDX", err)
	}
	for i := range rank {
		h.dims = append(h.dims, int(binary.BigEndian.Uint32(sizes[4*i:])))
	}
	h.bytes = int64(4 + len(sizes))
	h.pictures = h.elem == kindU8
	return h, nil
}

// headError words the failure to read a header.
func headError(format string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("ends within the header of %s file", format)
	}
	return damaged("file", err)
}
