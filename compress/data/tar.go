// SPDX-License-Identifier: Apache-2.0

package data

import (
	"archive/tar"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// entry is a picture in a tar archive.
type entry struct {
	name  string
	at    int // among the headers of the archive
	off   int64
	size  int64
	fault error
}

// openTar reads the pictures of a tar archive, sorted by path. Nothing is
// unpacked to disk; links and names that lead out of the archive are refused.
func openTar(ctx context.Context, in *input, want []Want, o Options) (*source, error) {
	entries, err := listTar(ctx, in)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("%s: no pictures (.png, .jpg, .jpeg) in this archive", in.path)
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Or(strings.Compare(a.name, b.name), cmp.Compare(a.at, b.at)) })
	l := &listing{path: in.path, bad: map[int]error{}}
	index := make(map[int]int, len(entries))
	for i, e := range entries {
		if i > 0 && e.name == entries[i-1].name {
			return nil, fmt.Errorf("%s: has the picture %s twice", in.path, clean(e.name))
		}
		l.names = append(l.names, e.name)
		index[e.at] = i
		if e.fault != nil {
			l.bad[i] = e.fault
		}
	}
	if in.at != nil {
		l.read = func(i int) ([]byte, error) {
			blob := make([]byte, entries[i].size)
			_, err := in.at.ReadAt(blob, entries[i].off)
			return blob, err
		}
	} else {
		l.stream = func(ctx context.Context, take func(int, []byte) error) error {
			return streamTar(ctx, in, index, l.bad, take)
		}
	}
	return openPictures(ctx, l, want, o)
}

// listTar reads the headers of an archive.
func listTar(ctx context.Context, in *input) ([]entry, error) {
	var position io.Seeker
	var r io.Reader = in.r
	if in.at != nil {
		section := io.NewSectionReader(in.at, 0, in.size)
		r, position = section, section
	}
	t := tar.NewReader(r)
	var entries []entry
	for at := 0; ; at++ {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return nil, tarError(in.path, err)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		e := entry{name: path.Clean(strings.ReplaceAll(h.Name, `\`, "/")), at: at, size: h.Size}
		if h.Typeflag == tar.TypeDir || !isPicture(path.Base(e.name)) {
			continue
		}
		e.fault = tarFault(h, e)
		if position != nil {
			if e.off, err = position.Seek(0, io.SeekCurrent); err != nil {
				return nil, tarError(in.path, err)
			}
		}
		if len(entries) == maxEntries {
			return nil, fmt.Errorf("%s: holds more than %d pictures", in.path, maxEntries)
		}
		entries = append(entries, e)
	}
}

// tarFault says why an entry is not read.
func tarFault(h *tar.Header, e entry) error {
	sparse := h.Typeflag == tar.TypeGNUSparse
	for key := range h.PAXRecords {
		sparse = sparse || strings.HasPrefix(key, "GNU.sparse.")
	}
	switch {
	case path.IsAbs(e.name) || !filepath.IsLocal(filepath.FromSlash(e.name)):
		return errors.New("has a name that leads out of the archive")
	case h.Typeflag == tar.TypeSymlink || h.Typeflag == tar.TypeLink:
		return errors.New("is a link, which is not followed in an archive")
	case sparse:
		return errors.New("is stored as a sparse file, which is not read")
	case h.Typeflag != tar.TypeReg:
		return errors.New("is not a file")
	case h.Size > maxPicture:
		return errTooLarge
	}
	return nil
}

// streamTar goes through a packed archive a second time and hands on the
// pictures that index numbers.
func streamTar(ctx context.Context, in *input, index map[int]int, bad map[int]error, take func(int, []byte) error) error {
	again, err := in.again(ctx)
	if err != nil {
		return err
	}
	defer again.Close()
	t := tar.NewReader(again.r)
	for at := 0; ; at++ {
		_, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return tarError(in.path, err)
		}
		i, ok := index[at]
		if !ok || bad[i] != nil {
			continue
		}
		blob, err := readAtMost(t, maxPicture)
		if err != nil {
			return tarError(in.path, err)
		}
		if err := take(i, blob); err != nil {
			return err
		}
	}
}

func tarError(path string, err error) error {
	return fmt.Errorf("%s: %w", path, damaged("tar archive", err))
}
