// SPDX-License-Identifier: Apache-2.0

package data

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
)

// gallery is a column of pictures: decoded, in memory, where they fit there,
// else decoded again whenever one is asked for.
type gallery struct {
	frame
	data []byte
	read func(i int) ([]byte, error)
	keys [][16]byte
}

var _ column = (*gallery)(nil)

func (g *gallery) kind() kind        { return kindU8 }
func (g *gallery) width() int        { return g.bytes() }
func (g *gallery) needsBuffer() bool { return g.data == nil }
func (g *gallery) costly() bool      { return g.data == nil }

func (g *gallery) row(i int, buf []byte) ([]byte, error) {
	if n := g.bytes(); g.data != nil {
		return g.data[i*n : (i+1)*n], nil
	}
	blob, err := g.read(i)
	if err != nil {
		return nil, err
	}
	if keyOf(blob) != g.keys[i] {
		return nil, errors.New("has changed since it was checked")
	}
	img, err := decodePicture(blob)
	if err != nil {
		return nil, err
	}
	g.pack(buf, img)
	return buf, nil
}

func keyOf(blob []byte) [16]byte {
	sum := sha256.Sum256(blob)
	return [16]byte(sum[:16])
}

// openPictures decodes every picture of a listing once.
func openPictures(ctx context.Context, l *listing, want []Want, o Options) (*source, error) {
	if err := single(l.path, want); err != nil {
		return nil, err
	}
	fr, dims, err := newFrame(l.path, want[0], o)
	if err != nil {
		return nil, err
	}
	f := field{want: want[0], fit: fit{dims: dims}}
	layout := o
	layout.Layout = fr.layout
	if f.prep, err = newPrep(want[0], fr.shape(), true, layout); err != nil {
		return nil, fmt.Errorf("%s: %w", l.path, err)
	}
	f.words = strings.Join(append(f.prep.words(), fr.words()...), ", ")
	n := o.upTo(len(l.names))
	kept := l.spread(n)
	some := l.pick(kept)
	g := &gallery{frame: fr, read: some.read, keys: make([][16]byte, n)}
	if need := int64(n) * int64(fr.bytes()); need <= o.Memory {
		g.data = make([]byte, need)
	} else if l.read == nil {
		return nil, fmt.Errorf("%s: its %d pictures take %d bytes, more than the %d that are kept in memory: unpack it, so that they are read from disk", l.path, n, need, o.Memory)
	}
	src := &source{path: l.path, n: n, limited: kept != nil, kept: kept, keys: g.keys,
		name: func(i int) string { return clean(some.names[i]) }}
	if o.Labels == "folder" {
		labels, classes, err := folderLabels(l) // a class keeps its number where none of its pictures is read
		if err != nil {
			return nil, err
		}
		src.labels, src.classes = src.ofKept(labels), classes
	}
	if src.bad, err = g.load(ctx, some); err != nil {
		return nil, err
	}
	f.col = g
	src.fields = []field{f}
	return src, nil
}
