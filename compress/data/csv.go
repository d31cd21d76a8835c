// SPDX-License-Identifier: Apache-2.0

package data

import (
	"context"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// csvReader reads RFC 4180, with lines that start with '#' left out.
func csvReader(r io.Reader) *csv.Reader {
	c := csv.NewReader(&lines{r: r})
	c.Comment = '#'
	c.FieldsPerRecord = -1
	c.TrimLeadingSpace = true
	c.ReuseRecord = true
	return c
}

// csvError words a failure to read any further.
func csvError(path string, err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: holds no rows", path)
	}
	return fmt.Errorf("%s: %w", path, err)
}

// openCSV reads a table of numbers. Its columns go to the model's inputs in
// order, as many as each takes.
func openCSV(ctx context.Context, in *input, want []Want, o Options) (*source, error) {
	r := csvReader(in.r)
	first, err := r.Read()
	if err != nil {
		return nil, csvError(in.path, err)
	}
	t, err := newTable(in.path, first, o)
	if err != nil {
		return nil, err
	}
	src := &source{path: in.path, bad: map[int]error{}}
	src.name = func(i int) string { return rowName(in.path, i) }
	if src.fields, err = t.fields(want, o); err != nil {
		return nil, err
	}
	t.room = o.Memory
	var broken *csv.ParseError // what is wrong with record
	for record := first; ; {
		if !t.header {
			if o.Limit > 0 && t.n == o.Limit {
				src.limited = true
				break
			}
			if t.n%1024 == 0 && ctx.Err() != nil {
				return nil, ctx.Err()
			}
			var line int
			if broken != nil {
				line, err = broken.StartLine, broken.Err
			} else {
				line, _ = r.FieldPos(0)
			}
			if err := t.add(record, err); err != nil {
				src.bad[t.n-1] = fmt.Errorf("line %d: %w", line, err)
			}
			if t.full() {
				return nil, fmt.Errorf("%s: holds more than the %d bytes of numbers that are kept in memory: convert it to .npy, which is read from disk", in.path, o.Memory)
			}
		}
		t.header, broken = false, nil
		if record, err = r.Read(); errors.Is(err, io.EOF) {
			break
		} else if err != nil && !errors.As(err, &broken) {
			return nil, csvError(in.path, err)
		}
	}
	if t.n == 0 {
		return nil, csvError(in.path, io.EOF)
	}
	t.share(src.fields)
	src.n = t.n
	if t.label >= 0 {
		if src.labels, src.classes, err = t.classes.finish(); err != nil {
			return nil, fmt.Errorf("%s: %w", in.path, err)
		}
	}
	return src, nil
}

// add parses a record, or notes a row of zeros for one that can't be.
func (t *table) add(record []string, broken error) error {
	t.n++
	from := len(t.data)
	err := broken
	if err == nil && len(record) != t.width {
		err = fmt.Errorf("has %d fields, the first row has %d", len(record), t.width)
	}
	if err == nil && t.label >= 0 && strings.TrimSpace(record[t.label]) == "" {
		err = errors.New("has no label")
	}
	for _, c := range t.inputs {
		var v float64
		if err == nil {
			v, err = t.number(record[c], c)
		}
		t.data = binary.LittleEndian.AppendUint32(t.data, math.Float32bits(float32(v)))
	}
	if err != nil {
		clear(t.data[from:])
	}
	if t.label >= 0 && err == nil {
		t.classes.add(record[t.label])
	} else if t.label >= 0 {
		t.classes.addNone()
	}
	return err
}

// number parses a field of column c.
func (t *table) number(text string, c int) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 32)
	switch {
	case err == nil && finite(v):
		return v, nil
	case err == nil && math.IsNaN(v):
		return 0, fmt.Errorf("column %d is NaN", c)
	case err == nil:
		return 0, fmt.Errorf("column %d is infinite", c)
	case strings.TrimSpace(text) == "":
		return 0, fmt.Errorf("column %d is empty", c)
	case errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("column %d is %q, beyond float32", c, clean(text))
	}
	return 0, fmt.Errorf("column %d is %q, not a number", c, clean(text))
}
