// SPDX-License-Identifier: Apache-2.0

package data

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
)

// readLabels reads Options.Labels where the source's own reader has not.
func (s *source) readLabels(ctx context.Context, o Options) error {
	if o.Labels == "" || s.labels != nil {
		return nil
	}
	for prefix, kind := range map[string]string{"column:": "a CSV source", "array:": "an .npz source", "folder": "pictures in folders"} {
		if strings.HasPrefix(o.Labels, prefix) && (prefix != "folder" || o.Labels == prefix) {
			return fmt.Errorf("%s: --labels %s is for %s", s.path, clean(o.Labels), kind)
		}
	}
	labels, classes, err := labelFile(ctx, o.Labels)
	if err != nil {
		return err
	}
	need := 0
	if s.n > 0 {
		need = s.row(s.n-1) + 1
	}
	switch {
	case len(labels) < need, len(labels) > need && !s.limited:
		return fmt.Errorf("%s: holds %d labels for the %d samples of %s", clean(o.Labels), len(labels), need, s.path)
	}
	s.labels, s.classes = s.ofKept(labels), classes
	return nil
}

// labelFile reads a file with a class for every sample.
func labelFile(ctx context.Context, spec string) (labels []int32, classes []string, err error) {
	path, column := spec, ""
	if _, err := os.Stat(spec); err != nil {
		if at := strings.LastIndexByte(spec, '#'); at > 0 {
			path, column = spec[:at], spec[at+1:]
		}
	}
	in, err := openInput(ctx, path)
	if err != nil {
		return nil, nil, fmt.Errorf("labels: %w", err)
	}
	defer in.Close()
	format, err := in.sniff()
	if err != nil {
		return nil, nil, fmt.Errorf("labels: %w", err)
	}
	read := idxHeader
	switch format {
	case "csv":
		return labelColumn(in, column)
	case "idx":
	case "npy":
		read = npyHeader
	default:
		return nil, nil, fmt.Errorf("%s: is no file of labels: give IDX, .npy or CSV", path)
	}
	h, err := read(in.r)
	if err == nil {
		err = h.check()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	labels, err = loadLabels(in, h)
	return labels, nil, err
}

// loadLabels reads an array of one whole number a row.
func loadLabels(in *input, h header) ([]int32, error) {
	if elements(h.dims[1:]) != 1 || h.elem.float() {
		return nil, fmt.Errorf("%s: holds %s of %v, not one class number a sample", in.path, dimsText(h.dims), h.elem)
	}
	room := int64(defaultMemory)
	a, err := h.load(in, h.dims[0], &room)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.path, err)
	}
	labels := make([]int32, h.dims[0])
	buf := make([]byte, a.width())
	for i := range labels {
		raw, err := a.row(i, buf)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", in.path, err)
		}
		v := a.elem.at(raw, 0)
		if v < 0 || v > math.MaxInt32 {
			return nil, fmt.Errorf("%s: label %d is %s: classes are numbered from 0", in.path, i+1, number(v))
		}
		labels[i] = int32(v)
	}
	return labels, nil
}

// labelColumn reads the labels of a CSV file. A first line that is no number is
// a header where all the others are numbers.
func labelColumn(in *input, column string) ([]int32, []string, error) {
	r := csvReader(in.r)
	first, err := r.Read()
	if err != nil {
		return nil, nil, csvError(in.path, err)
	}
	at, header := 0, false
	switch {
	case column != "":
		_, err := strconv.Atoi(column)
		header = err != nil
		if at, err = columnOf(in.path, column, first, header); err != nil {
			return nil, nil, err
		}
	case len(first) > 1:
		return nil, nil, fmt.Errorf("%s: has %d columns: say which holds the labels (%s#COLUMN)", in.path, len(first), clean(in.path))
	}
	var l labeller
	width := len(first)
	for row := 0; ; row++ {
		if row > 0 || !header {
			if len(first) != width || strings.TrimSpace(first[at]) == "" {
				return nil, nil, fmt.Errorf("%s: the label of row %d is missing", in.path, row+1)
			}
			l.add(first[at])
		}
		if first, err = r.Read(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, nil, csvError(in.path, err)
		}
	}
	if !header {
		l.dropHeader()
	}
	labels, classes, err := l.finish()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", in.path, err)
	}
	return labels, classes, nil
}
