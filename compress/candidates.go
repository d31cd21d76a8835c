// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/compress/report"
	"github.com/kdcompress/kdcompress/student"
	"github.com/kdcompress/kdcompress/student/cut"
)

// defaultShare of the teacher's bytes is what a student may have where no size
// is asked for.
const defaultShare = 10

// littleTeacher is the number of parameters below which there is little to win: the
// structure of the file and the runtime's own work for a run outweigh them.
const littleTeacher = 10_000

// candidate is a student that --student auto considers.
type candidate struct {
	report.Candidate
	student *student.Student
	file    []byte
}

// out says why a candidate is not trained; "" is still in.
func (c *candidate) reject(format string, args ...any) { c.Why = fmt.Sprintf(format, args...) }

// widths are what a fresh student is sized with: multiples of 8, as vector units
// want them, and finer where that would leave much of a budget.
var widths = []int{8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 1024}

// ratios are what a narrower teacher is sized with.
var ratios = []string{"0.75", "0.5", "0.375", "0.25", "0.1875", "0.125", "0.0625"}

// sizeLimit is the number of bytes a student may have, and why.
func sizeLimit(c *Config, t *Teacher) (int64, string) {
	switch n := int64(len(t.File)); {
	case c.MaxSize > 0:
		return int64(c.MaxSize), "the size asked for"
	case t.normal.Graph.Params() < littleTeacher:
		return n - 1, "less than the teacher has"
	default:
		return n / defaultShare, fmt.Sprintf("a tenth of the teacher's %d bytes", n)
	}
}

// propose lists students of every architecture that reads the teacher's inputs, as
// wide as limit bytes allow, and cuts of the teacher as small as that. One that is
// larger even at its smallest is listed as rejected.
func propose(ctx context.Context, c *Config, t *Teacher, sig student.Signature, set *data.Set, train []int, limit int64) ([]*candidate, error) {
	var list []*candidate
	for _, name := range student.Names() {
		a := student.Lookup(name)
		if a.Suits(sig) != nil {
			continue
		}
		variants := []map[string]string{nil}
		if a.Propose != nil {
			variants = a.Propose(sig.Reads())
		}
		for _, options := range variants {
			x, err := sized(sig, student.Spec{Arch: name, Options: options}, c.Seed, limit)
			if err != nil {
				return nil, err
			}
			if x != nil {
				list = append(list, x)
			}
		}
	}
	cuts, err := proposeCuts(ctx, c, sig, set, train, limit)
	if err != nil {
		return nil, err
	}
	list = append(list, cuts...)
	for _, x := range list {
		if x.Bytes > limit {
			x.reject("%d bytes, more than %d, even at its smallest", x.Bytes, limit)
		}
	}
	return list, nil
}

// sized is the widest student of an architecture within limit bytes, or its
// narrowest; nil where it cannot give what the teacher gives.
func sized(sig student.Signature, spec student.Spec, seed uint64, limit int64) (*candidate, error) {
	with := func(width int) student.Spec {
		o := maps.Clone(spec.Options)
		if o == nil {
			o = map[string]string{}
		}
		o["width"] = strconv.Itoa(width)
		return student.Spec{Arch: spec.Arch, Options: o}
	}
	top := 0
	for i, w := range widths {
		if _, err := student.ParseSpec(with(w).String()); err != nil || 4*student.Count(sig, with(w)) > limit {
			break
		}
		top = i
	}
	for {
		s, err := student.Build(sig, with(widths[top]), seed)
		if err != nil {
			return nil, nil
		}
		x, err := newCandidate(s, "fresh")
		if err != nil || x.Bytes <= limit || top == 0 {
			return x, err
		}
		top--
	}
}

func newCandidate(s *student.Student, source string) (*candidate, error) {
	m, err := s.Export()
	if err != nil {
		return nil, err
	}
	b, err := m.Encode()
	if err != nil {
		return nil, err
	}
	return &candidate{student: s, file: b,
		Candidate: report.Candidate{Student: s.Spec, Source: source, Bytes: int64(len(b)), Params: m.Graph.Params()}}, nil
}

// proposeCuts are the widest cuts of the teacher within limit bytes: narrower alone,
// and with half of its layers. A teacher that cannot be cut gives none.
func proposeCuts(ctx context.Context, c *Config, sig student.Signature, set *data.Set, train []int, limit int64) ([]*candidate, error) {
	samples, err := calibration(sig, set, train, c.Seed)
	if err != nil {
		return nil, err
	}
	try := func(spec string) (*candidate, error) {
		r, err := cut.Parse(spec)
		if err != nil {
			return nil, err
		}
		got, err := cut.Cut(ctx, sig, r, samples, c.Seed, c.Shards)
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, nil // no cut, no candidate
		}
		return newCandidate(got.Student, "cut")
	}
	var list []*candidate
	for _, before := range []string{"", "shallow+"} {
		// The size is the same however the channels are chosen.
		for _, ratio := range ratios {
			quick, err := try(before + "narrow:ratio=" + ratio + ",by=magnitude,refit=no")
			if err != nil {
				return nil, err
			}
			if quick == nil {
				if before == "" && ratio != ratios[len(ratios)-1] {
					continue // a width that rounds to itself
				}
				break
			}
			if quick.Bytes > limit && ratio != ratios[len(ratios)-1] {
				continue
			}
			x, err := try(before + "narrow:ratio=" + ratio)
			if err != nil {
				return nil, err
			}
			if x != nil {
				list = append(list, x)
			}
			break
		}
	}
	return list, nil
}

// tryOut runs every candidate in turn with the teacher, and rejects those that are
// slower than it or than was asked for.
func (j *job) tryOut(ctx context.Context, list []*candidate, sig student.Signature) error {
	p := pair{teacher: side{model: j.teacher.Model}}
	for _, x := range list {
		if x.Why != "" {
			continue
		}
		l, err := report.Latency(ctx, j.teacher.File, x.file, report.LatencyOptions{Batch: p.batch(), Seed: j.Seed, Dims: sig.Inputs,
			MinRuns: 50, Budget: 500 * time.Millisecond})
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			x.reject("does not run: %v", err)
			continue
		}
		x.LatencyMS, x.LatencyRatio = l.B.P50, l.Ratio
		switch {
		case j.MaxLatency > 0 && l.B.P50 > j.MaxLatency:
			x.reject("%.3g ms, slower than the %.3g ms asked for", l.B.P50, j.MaxLatency)
		case l.CI95[1] < 1:
			x.reject("%.3g times as slow as the teacher", 1/l.Ratio)
		}
	}
	return nil
}

// nearest is the candidate that comes nearest to the budgets where none is within
// them: the fastest of those small enough, else the smallest.
func nearest(list []*candidate) (*candidate, error) {
	if len(list) == 0 {
		return nil, errors.New("no student fits the teacher's inputs and outputs")
	}
	return slices.MinFunc(list, func(a, b *candidate) int {
		switch {
		case a.LatencyMS > 0 && b.LatencyMS > 0:
			return compare(a.LatencyMS, b.LatencyMS)
		case a.LatencyMS > 0:
			return -1
		case b.LatencyMS > 0:
			return 1
		}
		return compare(float64(a.Bytes), float64(b.Bytes))
	}), nil
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
