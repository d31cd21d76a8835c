// SPDX-License-Identifier: Apache-2.0

package data

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// column is the stored values of one model input, a row a sample.
type column interface {
	kind() kind
	// width is the bytes of a row.
	width() int
	// row returns row i, little-endian: memory of its own or buf, which holds
	// width bytes where needsBuffer says so.
	row(i int, buf []byte) ([]byte, error)
	needsBuffer() bool
	// costly says that a row is computed rather than looked up.
	costly() bool
}

// field joins a model input with its column and what happens in between.
type field struct {
	want Want
	col  column
	fit
	prep  prep
	words string // of what is done, for people
}

// source is what a reader of a format returns: n rows of every field.
type source struct {
	path    string
	n       int
	limited bool  // Options.Limit left rows out
	kept    []int // which stayed; nil for the first n
	fields  []field
	name    func(i int) string
	bad     map[int]error
	keys    [][16]byte // nil until scanned
	labels  []int32    // nil without; -1 for a bad row
	classes []string
	closers []io.Closer
}

// row is the number that row i has among all, of which Options.Limit left some out.
func (s *source) row(i int) int {
	if s.kept == nil {
		return i
	}
	return s.kept[i]
}

// ofKept is what belongs to the rows that stayed, of labels for all.
func (s *source) ofKept(labels []int32) []int32 {
	some := make([]int32, s.n)
	for i := range some {
		some[i] = labels[s.row(i)]
	}
	return some
}

func (s *source) close() error {
	var errs []error
	for _, c := range s.closers {
		errs = append(errs, c.Close())
	}
	s.closers = nil
	return errors.Join(errs...)
}

// openSource finds the reader for what lies at path.
func openSource(ctx context.Context, path string, want []Want, o Options) (*source, error) {
	info, err := os.Stat(path)
	if err != nil {
		if strings.HasPrefix(path, noisePrefix) {
			return openNoise(ctx, path, want, o)
		}
		return nil, err
	}
	if info.IsDir() {
		if o.Format != "" && o.Format != "images" {
			return nil, fmt.Errorf("%s: is a folder, which holds pictures (--format images), not %s", path, o.Format)
		}
		return openFolder(ctx, path, want, o)
	}
	if o.Format == "images" {
		return nil, fmt.Errorf("%s: is a file: --format images takes a folder of pictures", path)
	}
	in, err := openInput(ctx, path)
	if err != nil {
		return nil, err
	}
	src, err := readSource(ctx, in, want, o)
	if err != nil {
		in.Close()
		return nil, err
	}
	src.closers = append(src.closers, in)
	return src, nil
}

func readSource(ctx context.Context, in *input, want []Want, o Options) (*source, error) {
	format := o.Format
	if format == "" {
		var err error
		if format, err = in.sniff(); err != nil {
			return nil, err
		}
	}
	if format != "csv" && len(o.Columns)+len(o.Skip) > 0 {
		return nil, fmt.Errorf("%s: --columns and --skip are for CSV, and this is %s", in.path, format)
	}
	switch format {
	case "idx":
		return openArrayFile(in, want, o, idxHeader)
	case "npy":
		return openArrayFile(in, want, o, npyHeader)
	case "npz":
		return openNPZ(in, want, o)
	case "tar":
		return openTar(ctx, in, want, o)
	}
	return openCSV(ctx, in, want, o)
}

// single checks that a source of one array feeds a model of one input.
func single(path string, want []Want) error {
	if len(want) == 1 {
		return nil
	}
	names := make([]string, len(want))
	for i, w := range want {
		names[i] = w.Name
	}
	return fmt.Errorf("%s: holds one array, the model has %d inputs (%s): use an .npz file with an array for each", path, len(want), list(names))
}
