// SPDX-License-Identifier: Apache-2.0

package data

import (
	"errors"
	"fmt"
	"io"
)

// header is what the head of an array file declares. bytes is its own length.
type header struct {
	elem  kind
	big   bool
	dims  []int
	bytes int64
	// pictures says that unsigned bytes in this format are pictures by custom.
	pictures bool
	table    bool // rows are those of a CSV file
}

// array holds rows of one shape in the type of the file: in memory, or on disk.
type array struct {
	elem   kind
	big    bool // big-endian
	stride int  // bytes of a row
	data   []byte
	file   io.ReaderAt // where data is nil
	off    int64       // of row 0 in file
}

var _ column = (*array)(nil)

func (a *array) kind() kind        { return a.elem }
func (a *array) width() int        { return a.stride }
func (a *array) needsBuffer() bool { return a.data == nil || a.big }
func (a *array) costly() bool      { return false }

func (a *array) row(i int, buf []byte) ([]byte, error) {
	if a.data != nil {
		raw := a.data[i*a.stride : (i+1)*a.stride]
		if !a.big {
			return raw, nil
		}
		copy(buf, raw)
	} else if _, err := a.file.ReadAt(buf, a.off+int64(i)*int64(a.stride)); err != nil {
		return nil, err
	}
	if a.big {
		a.elem.swap(buf)
	}
	return buf, nil
}

// check says whether the declared dimensions make an array of samples.
func (h header) check() error {
	n, ok := product(h.dims)
	switch {
	case len(h.dims) == 0:
		return errors.New("holds a single number, not an array of samples")
	case !ok:
		return fmt.Errorf("declares the impossible shape %s", dimsText(h.dims))
	case n == 0:
		return fmt.Errorf("holds no samples: its shape is %s", dimsText(h.dims))
	}
	return nil
}

// load reads the first n rows of an array whose header has just been read from
// in. What exceeds room stays on disk, where it can; room shrinks by the rest.
func (h header) load(in *input, n int, room *int64) (*array, error) {
	size := int64(h.elem.size())
	a := &array{elem: h.elem, big: h.big && size > 1, stride: elements(h.dims[1:]) * int(size)}
	all := int64(h.dims[0]) * int64(a.stride)
	if in.size >= 0 && in.size-h.bytes != all {
		return nil, fmt.Errorf("declares %s of %v (%d bytes), but %d bytes follow its header", dimsText(h.dims), h.elem, all, in.size-h.bytes)
	}
	need := int64(n) * int64(a.stride)
	if need > *room {
		if in.at == nil {
			return nil, fmt.Errorf("holds %d bytes of samples, more than the %d that are kept in memory: unpack it, so that it is read from disk", need, *room)
		}
		a.file, a.off = in.at, h.bytes
		return a, nil
	}
	var err error
	if a.data, err = readExactly(in.r, need); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("ends after %d of %d bytes", len(a.data), need)
		}
		return nil, damaged("file", err)
	}
	*room -= need
	if n == h.dims[0] {
		// The end of a packed file is where its checksum is verified.
		if _, err := in.r.ReadByte(); err == nil {
			return nil, fmt.Errorf("goes on after the %d bytes of the array it declares", all)
		} else if err != io.EOF {
			return nil, damaged("file", err)
		}
	}
	return a, nil
}

// openArrayFile reads a file that holds one array, whose first axis counts the
// samples.
func openArrayFile(in *input, want []Want, o Options, read func(io.Reader) (header, error)) (*source, error) {
	if err := single(in.path, want); err != nil {
		return nil, err
	}
	h, err := read(in.r)
	if err == nil {
		err = h.check()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.path, err)
	}
	room, n := o.Memory, o.upTo(h.dims[0])
	f, err := loadField(in, h, want[0], o, n, &room)
	if err != nil {
		return nil, err
	}
	return &source{
		path: in.path, n: n, limited: n < h.dims[0], fields: []field{f},
		name: func(i int) string { return rowName(in.path, i) },
	}, nil
}

// loadField fits an array to an input of the model, then reads it.
func loadField(in *input, h header, w Want, o Options, n int, room *int64) (field, error) {
	shape, scaler, ok := resizing(h, o)
	if !ok {
		return field{}, fmt.Errorf("%s: a sample is %s of %v: only 8-bit pictures can be resized (--height, --width)", in.path, dimsText(shape), h.elem)
	}
	f, err := newField(in.path, w, h, shape, o)
	if err != nil {
		return f, err
	}
	a, err := h.load(in, n, room)
	if err != nil {
		return f, fmt.Errorf("%s: %w", in.path, err)
	}
	f.col = a
	if scaler != nil {
		f.col = &resized{array: a, scaler: *scaler}
		f.words += ", resized (bilinear)"
	}
	return f, nil
}
