// SPDX-License-Identifier: Apache-2.0

package data

import (
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// openNPZ reads a zip archive of .npy files. An array goes to the model input of
// its name; the only array there is, labels aside, goes to the only input.
func openNPZ(in *input, want []Want, o Options) (*source, error) {
	z, err := npzArrays(in)
	if err != nil {
		return nil, err
	}
	labels, hasLabels := strings.CutPrefix(o.Labels, "array:")
	inputs, err := matchArrays(in.path, z, want, labels)
	if err != nil {
		return nil, err
	}
	src := &source{path: in.path, name: func(i int) string { return rowName(in.path, i) }}
	room, rows := o.Memory, 0
	for i, w := range want {
		part, h, err := z[inputs[i]].open(in)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			rows = h.dims[0]
			src.n = o.upTo(rows)
			src.limited = src.n < rows
		}
		if h.dims[0] != rows {
			return nil, fmt.Errorf("%s: array %q has %d rows, %q has %d", in.path, clean(inputs[i]), h.dims[0], clean(inputs[0]), rows)
		}
		f, err := loadField(part, h, w, o, src.n, &room)
		if err != nil {
			return nil, err
		}
		src.fields = append(src.fields, f)
	}
	if hasLabels {
		member, ok := z[labels]
		if !ok {
			return nil, fmt.Errorf("%s: has no array %q for the labels: it has %s", in.path, clean(labels), list(slices.Sorted(maps.Keys(z))))
		}
		part, h, err := member.open(in)
		if err == nil {
			src.labels, err = loadLabels(part, h)
		}
		if err != nil {
			return nil, err
		}
		if len(src.labels) != rows {
			return nil, fmt.Errorf("%s: array %q has %d labels for %d samples", in.path, clean(labels), len(src.labels), rows)
		}
	}
	return src, nil
}

// matchArrays names the array of each model input.
func matchArrays(path string, z map[string]npzMember, want []Want, labels string) ([]string, error) {
	var free []string
	for _, name := range slices.Sorted(maps.Keys(z)) {
		if name != labels && name != "labels" && name != "y" {
			free = append(free, name)
		}
	}
	names := make([]string, len(want))
	for i, w := range want {
		names[i] = w.Name
		if _, ok := z[w.Name]; ok {
			continue
		}
		if len(want) == 1 && len(free) == 1 {
			return free, nil
		}
		return nil, fmt.Errorf("%s: has no array named as the model's input %q: it has %s", path, clean(w.Name), list(slices.Sorted(maps.Keys(z))))
	}
	return names, nil
}

// npzMember is one array of an archive.
type npzMember struct{ f *zip.File }

// npzArrays lists the arrays of an archive by name.
func npzArrays(in *input) (map[string]npzMember, error) {
	if in.at == nil {
		return nil, fmt.Errorf("%s: is a packed .npz: unpack it with gunzip", in.path)
	}
	r, err := zip.NewReader(in.at, in.size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, fmt.Errorf("%s: is no .npz file: %w", in.path, err)
	}
	if len(r.File) > maxArrays {
		return nil, fmt.Errorf("%s: has %d entries: at most %d are read", in.path, len(r.File), maxArrays)
	}
	z := map[string]npzMember{}
	for _, f := range r.File {
		name, ok := strings.CutSuffix(f.Name, ".npy")
		if !ok {
			continue
		}
		if _, twice := z[name]; twice {
			return nil, fmt.Errorf("%s: has the array %q twice", in.path, clean(name))
		}
		if !f.Mode().IsRegular() {
			return nil, fmt.Errorf("%s: entry %q is not a plain file", in.path, clean(f.Name))
		}
		z[name] = npzMember{f}
	}
	if len(z) == 0 {
		return nil, fmt.Errorf("%s: holds no .npy arrays", in.path)
	}
	return z, nil
}

// open reads an array's header; what it returns stands at the values. An array
// stored without compression can be read in place.
func (m npzMember) open(in *input) (*input, header, error) {
	part := &input{path: in.path + "(" + clean(m.f.Name) + ")", size: -1}
	r, err := m.f.Open()
	if err != nil {
		return nil, header{}, fmt.Errorf("%s: %w", part.path, err)
	}
	part.r = bufio.NewReaderSize(r, 1<<16)
	if off, err := m.f.DataOffset(); err == nil && m.f.Method == zip.Store {
		part.size = int64(m.f.UncompressedSize64)
		part.at = io.NewSectionReader(in.at, off, part.size)
	}
	h, err := npyHeader(part.r)
	if err == nil {
		err = h.check()
	}
	if err != nil {
		return nil, h, fmt.Errorf("%s: %w", part.path, err)
	}
	return part, h, nil
}
