// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/compress/distill"
	"github.com/kdcompress/kdcompress/compress/report"
	"github.com/kdcompress/kdcompress/compress/target"
	"github.com/kdcompress/kdcompress/student"
)

// hits says of every sample that proves a student whether it is right, at the
// chosen epoch and at the last.
type hits struct{ best, last []bool }

// judge knows the right classes of the samples that prove students.
type judge struct {
	set    *data.Set
	idx    []int
	right  []int
	shards int
}

// of measures a training.
func (g *judge) of(ctx context.Context, best *student.Student, last *student.Student) (hits, error) {
	var h hits
	for _, x := range []struct {
		s    *student.Student
		into *[]bool
	}{{best, &h.best}, {last, &h.last}} {
		choices, err := distill.Choices(ctx, x.s, g.set, g.idx, g.shards)
		if err != nil {
			return h, err
		}
		for i, c := range choices {
			*x.into = append(*x.into, c == g.right[i])
		}
	}
	return h, nil
}

// newJudge finds the right classes of the independent samples, or of the held-out
// ones where there are none: the labels, or else the teacher's choices.
func (j *job) newJudge(ctx context.Context, p *report.Proof) (*judge, error) {
	g := &judge{set: j.set, idx: j.held, shards: j.Shards}
	answers := j.answers
	p.Set = "held out of " + filepath.Base(j.Data.Path)
	if j.eval != nil {
		g.set, g.idx = j.eval, all(j.eval.Len())
		p.Set = filepath.Base(j.Eval.Path)
		answers = target.New(j.identity(j.eval), j.answers.Dims)
		if err := j.answer(ctx, j.eval, answers, g.idx); err != nil {
			return nil, err
		}
	}
	var taught []int
	for _, i := range g.idx {
		taught = append(taught, target.Choice(answers.Row(g.set.Key(i))))
	}
	p.Metric, p.Samples, g.right = "agreement", len(g.idx), taught
	if !g.set.HasLabels() {
		return g, nil
	}
	p.Metric, g.right = "accuracy", nil
	var right []bool
	for k, i := range g.idx {
		label, _ := g.set.Label(i)
		g.right = append(g.right, label)
		right = append(right, label == taught[k])
	}
	rate := report.Rate(right)
	p.Teacher = &rate
	return g, nil
}

// prove trains the control, and both students again from further seeds where
// asked, and compares them.
func (j *job) prove(ctx context.Context) (*report.Proof, error) {
	p := &report.Proof{Control: "the classes the teacher chooses (loss hard)"}
	name := "hard"
	if j.set.HasLabels() {
		name, p.Control = "ce", "the labels (loss ce)"
	}
	g, err := j.newJudge(ctx, p)
	if err != nil {
		return nil, err
	}
	var distilled, control []hits
	for n := range max(j.Seeds, 1) {
		seed := j.Seed + uint64(n)
		first := j.student
		last := j.trained.Last
		if n > 0 {
			if first, last, err = j.again(ctx, seed, ""); err != nil {
				return nil, err
			}
		}
		d, err := g.of(ctx, first, last)
		if err != nil {
			return nil, err
		}
		if first, last, err = j.again(ctx, seed, name); err != nil {
			return nil, err
		}
		c, err := g.of(ctx, first, last)
		if err != nil {
			return nil, err
		}
		distilled, control = append(distilled, d), append(control, c)
		p.Runs = append(p.Runs, report.ProofRun{Seed: seed, Distilled: report.TwoRates{Best: report.Rate(d.best), Last: report.Rate(d.last)},
			Control: report.TwoRates{Best: report.Rate(c.best), Last: report.Rate(c.last)}})
	}
	if len(p.Runs) == 1 {
		p.Difference, p.DifferenceCI95 = report.PairedDifference(distilled[0].best, control[0].best)
		p.Last, p.LastCI95 = report.PairedDifference(distilled[0].last, control[0].last)
		return p, nil
	}
	var best, ends []float64
	for _, r := range p.Runs {
		best, ends = append(best, r.Distilled.Best-r.Control.Best), append(ends, r.Distilled.Last-r.Control.Last)
	}
	p.Difference, p.DifferenceCI95 = report.MeanInterval(best)
	p.Last, p.LastCI95 = report.MeanInterval(ends)
	return p, nil
}

// again trains the job's student from another seed: as the job does, or with the
// named loss alone. It gives the students of the chosen and of the last epoch.
func (j *job) again(ctx context.Context, seed uint64, control string) (best, last *student.Student, err error) {
	k := *j
	k.Config.Seed = seed
	k.inside, k.taps = nil, nil
	what := "distilled"
	if control != "" {
		what = "control"
		k.Feature, k.Relation, k.Taps, k.Loss, k.LabelWeight, k.Temperature = nil, nil, nil, control, 0, 0
	}
	j.emit(Event{Kind: "stage", Stage: "train", Message: fmt.Sprintf("training again: %s, seed %d", what, seed)})
	if k.student, err = chooseStudent(ctx, &k.Config, j.teacher, j.set, j.train, func(Event) {}); err != nil {
		return nil, nil, err
	}
	if err := k.prepareInside(ctx); err != nil {
		return nil, nil, err
	}
	heads, err := k.heads(k.student)
	if err != nil {
		return nil, nil, err
	}
	teacher, err := k.openTeacher(ctx)
	if err != nil {
		return nil, nil, err
	}
	if teacher != nil {
		defer teacher.session.Close()
	}
	trained, err := k.trainStudent(ctx, distill.Config{Student: k.student, Heads: heads, Inside: k.inside, Taps: k.taps, KeepLast: true,
		Checkpoint: j.path(filepath.Join("checkpoint", fmt.Sprintf("%s-%d", what, seed))), Resume: j.Resume}, teacher)
	if err != nil {
		return nil, nil, err
	}
	return k.student, trained.Last, nil
}

// fixBias moves the student's class biases so that every class has the same mean
// probability as with the teacher, on inputs drawn as in use.
func (j *job) fixBias(ctx context.Context) error {
	set, idx, answers := j.set, j.held, j.answers
	if j.BiasData != "" {
		d := j.Data
		d.Path, d.Labels, d.Limit = j.BiasData, "", 0
		var err error
		if set, err = j.teacher.open(ctx, d, j.emit); err != nil {
			return err
		}
		defer set.Close()
		idx, answers = all(set.Len()), target.New(j.identity(set), j.answers.Dims)
		if err := j.answer(ctx, set, answers, idx); err != nil {
			return err
		}
	}
	by, err := distill.FitBias(ctx, j.student, set, answers, idx, j.Shards)
	if err != nil {
		return err
	}
	largest := 0
	for c, b := range by {
		if max(b, -b) > max(by[largest], -by[largest]) {
			largest = c
		}
	}
	j.emit(Event{Kind: "note", Stage: "train", Message: fmt.Sprintf("class biases fitted on %d samples; the largest change is %+.2f for class %d", len(idx), by[largest], largest)})
	return j.student.Shift(j.student.Logits, by)
}
