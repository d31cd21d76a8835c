// SPDX-License-Identifier: Apache-2.0

package data

import (
	"encoding/binary"
	"fmt"
	"io"
)

// npyMagic opens every .npy file (numpy.lib.format, versions 1.0 to 3.0).
const npyMagic = "\x93NUMPY"

// npyKinds are the type codes of a dtype's description without its byte order.
var npyKinds = map[string]kind{
	"u1": kindU8, "i1": kindI8, "b1": kindBool, "u2": kindU16, "i2": kindI16, "f2": kindF16,
	"u4": kindU32, "i4": kindI32, "f4": kindF32, "u8": kindU64, "i8": kindI64, "f8": kindF64,
}

// npyHeader reads the head of an .npy file: magic, version, the length of a
// Python dictionary literal, and the literal.
func npyHeader(r io.Reader) (header, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return header{}, headError("an .npy", err)
	}
	if string(head[:6]) != npyMagic {
		return header{}, fmt.Errorf("is no .npy file: it starts with % x", head[:6])
	}
	digits := 2
	switch head[6] {
	case 1:
	case 2, 3:
		digits = 4
	default:
		return header{}, fmt.Errorf("has version %d.%d of the .npy format: 1 to 3 are read", head[6], head[7])
	}
	var length [4]byte
	if _, err := io.ReadFull(r, length[:digits]); err != nil {
		return header{}, headError("an .npy", err)
	}
	n := binary.LittleEndian.Uint32(length[:])
	if n > maxHeader {
		return header{}, fmt.Errorf("has an .npy header of %d bytes: at most %d are read", n, maxHeader)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return header{}, headError("an .npy", err)
	}
	d, err := parseNPYDict(string(text))
	if err != nil {
		return header{}, fmt.Errorf("has an .npy header that can't be read: %w", err)
	}
	h, err := d.header()
	h.bytes = int64(len(head)) + int64(digits) + int64(n)
	return h, err
}

// header checks what the dictionary says against what this package reads.
func (d npyDict) header() (header, error) {
	h := header{dims: d.shape}
	code := d.descr
	if code != "" {
		switch code[0] {
		case '>':
			h.big, code = true, code[1:]
		case '<', '|', '=':
			code = code[1:]
		}
	}
	h.elem = npyKinds[code]
	switch {
	case d.structured:
		return h, fmt.Errorf("holds records of several fields: save each as an array of numbers of its own")
	case code != "" && code[0] == 'O':
		return h, fmt.Errorf("holds Python objects: convert it to an array of numbers")
	case h.elem == kindNone:
		return h, fmt.Errorf("has the element type %q: integers, booleans and float16 to float64 are read", clean(d.descr))
	case d.fortran && len(d.shape) > 1:
		return h, fmt.Errorf("is stored in Fortran order: save it with numpy.ascontiguousarray")
	case len(d.shape) > maxRank:
		return h, fmt.Errorf("has %d dimensions: 1 to %d are read", len(d.shape), maxRank)
	}
	return h, nil
}
