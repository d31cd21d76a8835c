// SPDX-License-Identifier: Apache-2.0

package data

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// table is a CSV file as it is read: which columns are what, and the numbers of
// the inputs so far, row after row as float32.
type table struct {
	path    string
	width   int   // fields of a row
	inputs  []int // columns, in the order the model gets them
	label   int   // column, -1 without
	header  bool  // the first row names the columns
	n       int
	data    []byte
	room    int64
	classes labeller
}

// newTable decides by the first row which columns are inputs. The row is a
// header where the caller names a column by name, or none of the inputs is a
// number in it.
func newTable(path string, first []string, o Options) (*table, error) {
	t := &table{path: path, width: len(first), label: -1}
	labels, hasLabel := strings.CutPrefix(o.Labels, "column:")
	refs := slices.Concat(o.Columns, o.Skip)
	if hasLabel {
		refs = append(refs, labels)
	}
	for _, ref := range refs {
		if _, err := strconv.Atoi(ref); err != nil {
			t.header = true
		}
	}
	var err error
	if hasLabel {
		if t.label, err = columnOf(path, labels, first, t.header); err != nil {
			return nil, err
		}
	}
	if err := t.choose(first, o); err != nil {
		return nil, err
	}
	t.header = t.header || t.looksNamed(first)
	return t, nil
}

// choose lists the input columns.
func (t *table) choose(first []string, o Options) error {
	skip := map[int]bool{t.label: true}
	for _, ref := range o.Skip {
		c, err := columnOf(t.path, ref, first, t.header)
		if err != nil {
			return err
		}
		skip[c] = true
	}
	for _, ref := range o.Columns {
		c, err := columnOf(t.path, ref, first, t.header)
		if err != nil {
			return err
		}
		if skip[c] {
			return fmt.Errorf("%s: column %s is an input, but also the label or skipped", t.path, clean(ref))
		}
		t.inputs = append(t.inputs, c)
	}
	for c := 0; c < t.width && len(o.Columns) == 0; c++ {
		if !skip[c] {
			t.inputs = append(t.inputs, c)
		}
	}
	if len(t.inputs) == 0 {
		return fmt.Errorf("%s: has no column left for the model's input", t.path)
	}
	return nil
}

// looksNamed says whether the first row holds text in every input column.
func (t *table) looksNamed(first []string) bool {
	named := false
	for _, c := range t.inputs {
		text := strings.TrimSpace(first[c])
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			return false
		}
		named = named || text != ""
	}
	return named
}

// columnOf finds a column by its name in the header, or by its number: 0 is the
// first, -1 the last.
func columnOf(path, ref string, first []string, header bool) (int, error) {
	if header {
		found := -1
		for c, name := range first {
			if strings.TrimSpace(name) == ref {
				if found >= 0 {
					return 0, fmt.Errorf("%s: two columns are called %q: name it by number", path, clean(ref))
				}
				found = c
			}
		}
		if found >= 0 {
			return found, nil
		}
	}
	c, err := strconv.Atoi(ref)
	if err != nil {
		return 0, fmt.Errorf("%s: has no column %q: it has %s", path, clean(ref), list(first))
	}
	if c < 0 {
		c += len(first)
	}
	if c < 0 || c >= len(first) {
		return 0, fmt.Errorf("%s: has no column %s: it has %d, the first is 0", path, ref, len(first))
	}
	return c, nil
}

// fields fits the input columns to the model's inputs: all to the only one, or
// to each as many as it takes.
func (t *table) fields(want []Want, o Options) ([]field, error) {
	if o.Size[0] != 0 {
		return nil, fmt.Errorf("%s: is a table of numbers: --height and --width are for pictures", t.path)
	}
	fields := make([]field, len(want))
	h := header{elem: kindF32, table: true}
	left := len(t.inputs)
	for i, w := range want {
		take := left
		if len(want) > 1 {
			n, ok := product(w.Dims)
			if !ok {
				return nil, fmt.Errorf("%s: the model's input %q has an open dimension, so its columns can't be told from the others': use .npz", t.path, clean(w.Name))
			}
			if n > left {
				return nil, fmt.Errorf("%s: has %d columns for the model's inputs, too few: input %q takes %s", t.path, len(t.inputs), clean(w.Name), dimsText(w.Dims))
			}
			take = n
		}
		left -= take
		var err error
		if fields[i], err = newField(t.path, w, h, []int{take}, o); err != nil {
			return nil, err
		}
	}
	if left > 0 {
		return nil, fmt.Errorf("%s: has %d columns more than the model's inputs take: choose them (--columns, --skip)", t.path, left)
	}
	return fields, nil
}

// full says whether the numbers exceed the room for them.
func (t *table) full() bool { return int64(len(t.data)) > t.room }

// share gives every field its columns.
func (t *table) share(fields []field) {
	all := array{elem: kindF32, stride: 4 * len(t.inputs), data: t.data}
	from := 0
	for i := range fields {
		n := 4 * elements(fields[i].dims)
		fields[i].col = &part{array: all, from: from, bytes: n}
		from += n
	}
}

// part is a run of the columns of an array in memory.
type part struct {
	array
	from, bytes int
}

var _ column = (*part)(nil)

func (p *part) width() int { return p.bytes }

func (p *part) row(i int, buf []byte) ([]byte, error) {
	raw, err := p.array.row(i, buf)
	if err != nil {
		return nil, err
	}
	return raw[p.from : p.from+p.bytes], nil
}
