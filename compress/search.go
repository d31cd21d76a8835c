// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2"
	"go.yaml.in/yaml/v3"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/compress/distill"
	"github.com/kdcompress/kdcompress/compress/report"
	"github.com/kdcompress/kdcompress/student"
)

// The rounds of a search: the steps of the first, how many times as many the next
// has, and the samples that a round is judged by. Of every round the better half goes
// on (successive halving, Jamieson and Talwalkar 2016, arXiv:1502.07943).
const (
	firstSteps  = 120
	stepsFactor = 3
	judgeBy     = 2000
)

// search is what --student auto has found out; it is kept beside the checkpoint, so
// that a resumed run decides alike although it would measure other latencies.
type search struct {
	Config     string // the configuration it belongs to
	Candidates []report.Candidate
	Chosen     string // "" while the search goes on
}

// look proposes students and tries them out. Where only one is left it is the
// job's; otherwise the search goes on when the teacher has answered.
func (j *job) look(ctx context.Context, sig student.Signature) error {
	b, err := yaml.Marshal(&j.Config)
	if err != nil {
		return err
	}
	j.search = &search{Config: string(b)}
	limit, why := sizeLimit(&j.Config, j.teacher)
	if n := j.teacher.normal.Graph.Params(); n < littleTeacher {
		text := fmt.Sprintf("the teacher has %d parameters in %d bytes: there is little to be won", n, len(j.teacher.File))
		if j.MaxSize == 0 {
			text += "; instead of a tenth of its bytes, a student may have " + why
		}
		j.emit(Event{Kind: "warning", Stage: "student", Message: text})
	}
	if old := j.remembered(); old != nil {
		j.search = old
		if old.Chosen != "" {
			return j.choose(ctx, old.Chosen)
		}
	}
	j.emit(Event{Kind: "stage", Stage: "student", Message: fmt.Sprintf("looking for students of at most %d bytes, %s", limit, why)})
	if j.candidates, err = propose(ctx, &j.Config, j.teacher, sig, j.set, j.train, limit); err != nil {
		return err
	}
	if known := j.search.Candidates; len(known) == len(j.candidates) {
		for i, x := range j.candidates {
			x.Candidate = known[i]
		}
	} else if err := j.tryOut(ctx, j.candidates, sig); err != nil {
		return err
	}
	if err := j.remember(); err != nil {
		return err
	}
	left := j.left()
	switch len(left) {
	case 0:
		best, err := nearest(j.candidates)
		if err != nil {
			return &noStudent{j.teacher.Path, err}
		}
		best.Why += "; the nearest to the budgets"
		j.emit(Event{Kind: "warning", Stage: "student", Message: fmt.Sprintf("no student is within the budgets: %s is the nearest", best.Student)})
		return j.decide(ctx, best)
	case 1:
		left[0].Why = "the only one within the budgets"
		return j.decide(ctx, left[0])
	}
	return nil
}

// noStudent names the teacher no student was found for.
type noStudent struct {
	path string
	err  error
}

func (e *noStudent) Error() string { return e.path + ": " + e.err.Error() }
func (e *noStudent) Unwrap() error { return e.err }

// left are the candidates that nothing speaks against so far.
func (j *job) left() []*candidate {
	return slices.DeleteFunc(slices.Clone(j.candidates), func(x *candidate) bool { return x.Why != "" })
}

// halve trains the candidates that are left, round by round, and decides.
func (j *job) halve(ctx context.Context) error {
	left := j.left()
	held := j.held[:min(len(j.held), judgeBy)]
	order := slices.Clone(j.train)
	data.Shuffle(order, j.Seed, 0x68616c7665)
	for steps := firstSteps; len(left) > 1; steps *= stepsFactor {
		train := order[:min(len(order), steps*j.Batch)]
		epochs := max(steps*j.Batch/len(train), 1)
		j.emit(Event{Kind: "stage", Stage: "search", Message: fmt.Sprintf("%d students, %d steps each", len(left), epochs*(len(train)/j.Batch))})
		for _, x := range left {
			c, err := j.objective(x.student)
			if err != nil {
				return err
			}
			c.Set, c.Answers, c.Train, c.Held, c.Epochs = j.set, j.answers, train, held, epochs
			c.Batch, c.Rate, c.Warmup, c.Clip, c.Decay, c.Seed, c.Shards = j.Batch, j.Rate, j.Warmup, j.Clip, j.Decay, j.Seed, j.Shards
			r, err := distill.Train(ctx, c)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				x.reject("cannot be trained: %v", err)
				continue
			}
			best := r.Curve[r.Best-1]
			x.Steps += epochs * max(len(train)/j.Batch, 1)
			x.Agreement, x.KL = &best.Agreement, &best.KL
			j.emit(Event{Kind: "note", Stage: "search", Message: fmt.Sprintf("%s: agreement %.2f%% after %d steps", x.Student, 100*best.Agreement, x.Steps)})
		}
		left = slices.DeleteFunc(left, func(x *candidate) bool { return x.Why != "" })
		slices.SortStableFunc(left, better)
		keep := (len(left) + 1) / 2
		if len(left) == 2 {
			keep = 1
		}
		if good := j.reached(left); len(good) > 0 && j.MinAgreement > 0 {
			slices.SortStableFunc(good, func(a, b *candidate) int { return compare(float64(a.Bytes), float64(b.Bytes)) })
			if good[0] != left[0] {
				for _, x := range left {
					if x != good[0] {
						x.reject("larger than one that agrees enough")
					}
				}
				good[0].Why = "the smallest that agrees enough already"
				return j.decide(ctx, good[0])
			}
		}
		for _, x := range left[keep:] {
			x.reject("agreed less than %s", left[0].Student)
		}
		left = left[:keep]
	}
	if len(left) == 0 {
		return &noStudent{j.teacher.Path, fmt.Errorf("none of the students can be trained; the last: %s", j.candidates[len(j.candidates)-1].Why)}
	}
	left[0].Why = "agreed best after brief training"
	return j.decide(ctx, left[0])
}

// reached are the candidates whose brief training is enough for the agreement asked for.
func (j *job) reached(left []*candidate) []*candidate {
	var list []*candidate
	for _, x := range left {
		if *x.Agreement >= j.MinAgreement {
			list = append(list, x)
		}
	}
	return list
}

// better sorts candidates by agreement, then by divergence.
func better(a, b *candidate) int {
	if c := compare(*b.Agreement, *a.Agreement); c != 0 {
		return c
	}
	return compare(*a.KL, *b.KL)
}

// decide makes a candidate the job's student. It is built anew, so that its training
// is the one that its specification alone gives.
func (j *job) decide(ctx context.Context, x *candidate) error {
	x.Chosen = true
	j.emit(Event{Kind: "note", Stage: "student", Message: fmt.Sprintf("chose %s, %d bytes: %s", x.Student, x.Bytes, x.Why)})
	j.search.Chosen = x.Student
	if err := j.remember(); err != nil {
		return err
	}
	return j.choose(ctx, x.Student)
}

func (j *job) choose(ctx context.Context, spec string) error {
	c := j.Config
	c.Student = spec
	var err error
	j.student, err = chooseStudent(ctx, &c, j.teacher, j.set, j.train, func(Event) {})
	return err
}

func (j *job) searchPath() string { return j.path(filepath.Join("checkpoint", "search.json")) }

// remember keeps what is known of the candidates.
func (j *job) remember() error {
	if j.candidates != nil {
		j.search.Candidates = nil
		for _, x := range j.candidates {
			j.search.Candidates = append(j.search.Candidates, x.Candidate)
		}
	}
	b, err := json.MarshalIndent(j.search, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(j.path("checkpoint"), 0o755); err != nil {
		return err
	}
	return renameio.WriteFile(j.searchPath(), append(b, '\n'), 0o644)
}

// remembered is the search of an interrupted run of the same configuration.
func (j *job) remembered() *search {
	if !j.Resume {
		return nil
	}
	var s search
	b, err := os.ReadFile(j.searchPath())
	if err != nil || json.Unmarshal(b, &s) != nil || s.Config != j.search.Config {
		return nil
	}
	return &s
}
