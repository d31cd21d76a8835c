// SPDX-License-Identifier: Apache-2.0

package data

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kdcompress/kdcompress/onnx"
)

// Set is the usable samples of a source. Its methods may be called from several
// goroutines at once.
type Set struct {
	path  string
	src   *source
	order []int // usable rows of the source, ascending
	bad   []Bad
}

// Bad is a sample that was left out, and why.
type Bad struct {
	Name string
	Err  error
}

// Open reads the samples at path for the inputs want, in the order of the
// source (pictures in the order of their paths).
//
// It checks the source's shape against the model's inputs first, then looks at
// every sample: one that can't be read, has another shape than the rest, holds
// NaN or infinity, or holds a number that an input of whole numbers can't take
// is left out and listed by Bad. It fails where more than o.MaxBad of the
// samples are such, or all of them. The Set must be closed.
func Open(ctx context.Context, path string, want []Want, o Options) (*Set, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if err := checkWants(want, o); err != nil {
		return nil, err
	}
	o = o.filled()
	src, err := openSource(ctx, path, want, o)
	if err != nil {
		return nil, err
	}
	s := &Set{path: path, src: src}
	if err := s.prepare(ctx, o); err != nil {
		src.close()
		return nil, err
	}
	return s, nil
}

// prepare reads the labels, looks at every row and sorts the usable from the bad.
func (s *Set) prepare(ctx context.Context, o Options) error {
	if err := s.src.readLabels(ctx, o); err != nil {
		return err
	}
	if err := s.src.scan(ctx); err != nil {
		return err
	}
	for i := range s.src.n {
		if err := s.src.bad[i]; err != nil {
			s.bad = append(s.bad, Bad{s.src.name(i), err})
			continue
		}
		s.order = append(s.order, i)
	}
	if float64(len(s.bad)) <= o.MaxBad*float64(s.src.n) && len(s.order) > 0 {
		return nil
	}
	const shown = 3
	var first []string
	for _, b := range s.bad[:min(shown, len(s.bad))] {
		first = append(first, fmt.Sprintf("%s: %v", clean(b.Name), b.Err))
	}
	more := ""
	if len(s.bad) > shown {
		more = "; ..."
	}
	return fmt.Errorf("%s: %d of %d samples are unusable (%.3g%%, tolerated %.3g%%): %s%s", s.path, len(s.bad), s.src.n,
		100*float64(len(s.bad))/float64(s.src.n), 100*o.MaxBad, strings.Join(first, "; "), more)
}

// checkWants says whether samples can be given to the inputs at all.
func checkWants(want []Want, o Options) error {
	if len(want) == 0 {
		return errors.New("the model has no inputs to read samples for")
	}
	float := false
	for _, w := range want {
		switch w.Type {
		case onnx.StringType, onnx.Complex64, onnx.Complex128:
			return fmt.Errorf("the model's input %q takes %v: samples are numbers", clean(w.Name), w.Type)
		}
		if slices.Contains(w.Dims, 0) {
			return fmt.Errorf("the model's input %q has a dimension of size 0", clean(w.Name))
		}
		float = float || !w.whole()
	}
	if !float && o.normalises() {
		return errors.New("scale, mean and std are for inputs of floating-point numbers, and the model has none")
	}
	return nil
}

// Close releases the files that samples are still read from.
func (s *Set) Close() error { return s.src.close() }

// Len is the number of usable samples.
func (s *Set) Len() int { return len(s.order) }

// Dims are the dimensions of one sample of input field, as the model gets it.
func (s *Set) Dims(field int) []int { return slices.Clone(s.src.fields[field].dims) }

// Key is a hash of what the source holds for sample i: not of its position, and
// not of the preprocessing, which Digest covers.
func (s *Set) Key(i int) [16]byte { return s.src.keys[s.order[i]] }

// Name says where sample i comes from: a file, or a row counted from 1.
func (s *Set) Name(i int) string { return s.src.name(s.order[i]) }

// Bad lists the samples left out, in the order of the source.
func (s *Set) Bad() []Bad { return slices.Clone(s.bad) }

// HasLabels says whether classes were asked for and found.
func (s *Set) HasLabels() bool { return s.src.labels != nil }

// Label is the class of sample i; ok is false where there are no labels.
func (s *Set) Label(i int) (class int, ok bool) {
	if s.src.labels == nil {
		return 0, false
	}
	return int(s.src.labels[s.order[i]]), true
}

// Classes are the names of the classes where the source names them, in the
// order of their numbers; nil where it numbers them.
func (s *Set) Classes() []string { return slices.Clone(s.src.classes) }
