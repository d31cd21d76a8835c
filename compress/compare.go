// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"path/filepath"
	"time"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/compress/report"
)

// CompareConfig asks for one model to be held against another.
type CompareConfig struct {
	A, B    string // the first stands for the teacher
	Output  string
	Task    string // as in Config
	Data    Data   // may be left out: then nothing is said of agreement
	Seed    uint64
	Threads int
	Library string
	Command string
}

// Compare reports contract, size, latency and, where there are samples,
// agreement of two models.
func Compare(ctx context.Context, c CompareConfig, emit func(Event)) (*report.Report, error) {
	began := time.Now()
	if emit == nil {
		emit = func(Event) {}
	}
	if err := startRuntime(c.Library); err != nil {
		return nil, err
	}
	a, err := loadSide(c.A)
	if err != nil {
		return nil, err
	}
	b, err := loadSide(c.B)
	if err != nil {
		return nil, err
	}
	p := pair{teacher: a, student: b, seed: c.Seed, threads: c.Threads}
	var set *data.Set
	if c.Data.Path != "" {
		t, err := LoadTeacher(c.A, c.Output)
		if err != nil {
			return nil, err
		}
		if err := t.Assign(c.Task); err != nil {
			return nil, err
		}
		for _, a := range t.Answers {
			p.answers = append(p.answers, a.Knowledge)
		}
		wants, err := t.Wants()
		if err != nil {
			return nil, err
		}
		emit(Event{Kind: "stage", Stage: "data", Message: "reading " + c.Data.Path})
		if set, err = data.Open(ctx, c.Data.Path, wants, c.Data.options()); err != nil {
			return nil, err
		}
		defer set.Close()
		for i := range wants {
			p.dims = append(p.dims, set.Dims(i))
		}
	}
	emit(Event{Kind: "stage", Stage: "measure", Message: "measuring"})
	r, err := p.interfaces(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.speed(ctx, r); err != nil {
		return nil, err
	}
	if set != nil {
		sets, accuracy, err := p.compare(ctx, set, nil, filepath.Base(c.Data.Path), false)
		if err != nil {
			return nil, err
		}
		r.Fidelity, r.FidelitySets, r.Accuracy = sets[0], sets[1:], accuracy
	}
	r.Seed, r.Command, r.DurationS = c.Seed, c.Command, time.Since(began).Seconds()
	return r, nil
}
