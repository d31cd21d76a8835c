// SPDX-License-Identifier: Apache-2.0

// Package target keeps the teacher's answers: for every sample its logits, found
// again by the sample's content, never by its position. Shuffling, leaving out
// or adding samples cannot put an answer beside the wrong sample. An augmented view
// of a sample is a sample of its own here, with a key of its own.
package target

import (
	"fmt"
	"io"
	"slices"

	"github.com/kdcompress/kdcompress/compress/data"
)

// Key identifies a sample by its content, as data.Set.Key and data.Views.Key do.
type Key = [16]byte

// Identity says what answers are answers to and how they are kept. Answers of
// another identity are never used.
type Identity struct {
	Teacher       string `json:"teacher_sha256"`
	Output        string `json:"output"`
	Preprocessing string `json:"preprocessing_sha256"`
	// Taps names the tensors kept beside the logits, with their shapes.
	Taps     string   `json:"taps,omitempty"`
	Encoding Encoding `json:"encoding,omitempty"`
}

// Answers are the teacher's answers to a set of samples. A row is the logits and
// then the taps. Rows are in memory until they are written; those of large parts
// are read from their files, row by row. Answers are not safe for concurrent use.
type Answers struct {
	Identity Identity
	// Dims is the shape of one sample's logits.
	Dims []int

	width   int // logits
	taps    int // numbers behind them
	index   map[Key]place
	parts   []part
	pending []byte // rows of no part yet
	keys    []Key  // of the pending rows
	spill   string // the folder that pending rows go to when they are many
	buf     []byte
}

// place is where a row lies: in a part, or among the pending ones where it is -1.
type place struct{ part, row int32 }

// part is a file of rows, or its content.
type part struct {
	r    io.ReaderAt
	rows int64 // offset of the first
	file io.Closer
}

// New is an empty store for logits of the given per-sample shape.
func New(id Identity, dims []int) *Answers { return NewTapped(id, dims, 0) }

// NewTapped is an empty store for logits of the given shape and so many numbers of
// taps behind them. It panics on an encoding that does not suit them.
func NewTapped(id Identity, dims []int, taps int) *Answers {
	a := &Answers{Identity: id, Dims: dims, width: 1, taps: taps, index: map[Key]place{}}
	for _, d := range dims {
		a.width *= d
	}
	if err := id.Encoding.Check(a.width); err != nil {
		panic("target: " + err.Error())
	}
	a.buf = make([]byte, a.rowBytes())
	return a
}

// Len is the number of distinct samples answered.
func (a *Answers) Len() int { return len(a.index) }

// Width is the number of logits a sample.
func (a *Answers) Width() int { return a.width }

// Has says whether the sample is answered.
func (a *Answers) Has(k Key) bool {
	_, ok := a.index[k]
	return ok
}

// spillBytes is how many pending bytes become a part.
const spillBytes = 128 << 20

// Add stores the row of a sample. A sample seen before keeps its first answer.
func (a *Answers) Add(k Key, row []float32) error {
	if len(row) != a.width+a.taps {
		panic("target: a row of another width")
	}
	if a.Has(k) {
		return nil
	}
	a.index[k] = place{-1, int32(len(a.keys))}
	a.keys = append(a.keys, k)
	a.pending = a.Identity.Encoding.appendRow(a.pending, row, a.width)
	if a.spill != "" && len(a.pending) >= spillBytes {
		return a.Flush()
	}
	return nil
}

// Row is the answer to a sample, nil if there is none.
func (a *Answers) Row(k Key) []float32 {
	row := make([]float32, a.width+a.taps)
	if ok, err := a.Read(k, row); !ok || err != nil {
		return nil
	}
	return row
}

// Read writes the answer to a sample to row; ok is false if there is none. It
// fails where a file that is read again cannot be.
func (a *Answers) Read(k Key, row []float32) (ok bool, err error) {
	at, ok := a.index[k]
	if !ok {
		return false, nil
	}
	n := int64(a.rowBytes())
	b := a.buf
	if at.part < 0 {
		b = a.pending[int64(at.row)*n:][:n]
	} else {
		p := a.parts[at.part]
		if _, err := p.r.ReadAt(b, p.rows+int64(at.row)*n); err != nil {
			return true, fmt.Errorf("the teacher's stored answers: %w", err)
		}
	}
	a.Identity.Encoding.decode(row, b, a.width)
	return true, nil
}

// Of is the answer to a sample of a set.
func (a *Answers) Of(set *data.Set, sample int) ([]float32, error) {
	row := make([]float32, a.width+a.taps)
	ok, err := a.Read(set.Key(sample), row)
	if err == nil && !ok {
		err = fmt.Errorf("%s has no answer of the teacher", set.Name(sample))
	}
	return row, err
}

// Batch gathers the answers to samples of a set into dst, one row each.
func (a *Answers) Batch(set *data.Set, idx []int, dst []float32) error {
	n := a.width + a.taps
	for i, s := range idx {
		ok, err := a.Read(set.Key(s), dst[i*n:(i+1)*n])
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("%s has no answer of the teacher", set.Name(s))
		}
	}
	return nil
}

// Bytes is what a sample costs in the store.
func (a *Answers) Bytes() int { return a.rowBytes() + len(Key{}) }

func (a *Answers) rowBytes() int { return a.Identity.Encoding.bytes(a.width, a.taps) }

// Close closes the files that rows are read from.
func (a *Answers) Close() error {
	var first error
	for _, p := range a.parts {
		if p.file != nil {
			if err := p.file.Close(); err != nil && first == nil {
				first = err
			}
		}
	}
	a.parts = slices.Delete(a.parts, 0, len(a.parts))
	clear(a.index)
	return first
}

// Choice is the class that logits favour: the first of the largest.
func Choice(logits []float32) int {
	best := 0
	for c, v := range logits {
		if v > logits[best] {
			best = c
		}
	}
	return best
}
