// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/compress/distill"
	"github.com/kdcompress/kdcompress/compress/loss"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
	"github.com/kdcompress/kdcompress/student"
)

// marginSamples are what the margins of a loss on preactivations are measured on.
const marginSamples = 512

// insideLosses reads the losses that compare tensors inside the models.
func (c *Config) insideLosses() ([]loss.Term, error) {
	var terms []loss.Term
	for _, list := range []struct {
		flag   string
		texts  []string
		family loss.Family
	}{{"feature", c.Feature, loss.Feature}, {"relation", c.Relation, loss.Relation}} {
		for _, text := range list.texts {
			t, err := loss.Parse(text, 1, nil)
			if err != nil {
				return nil, err
			}
			if t.Loss.Family != list.family {
				return nil, fmt.Errorf("loss %s is no %s loss; there are %s", t.Loss.Name, list.flag, lossNames(list.family))
			}
			if t.Loss.TakesHead && t.Balanced {
				return nil, fmt.Errorf("loss %s has no other to be balanced with", t.Loss.Name)
			}
			terms = append(terms, t)
		}
	}
	if c.Loss == noLoss && !slices.ContainsFunc(terms, func(t loss.Term) bool { return t.Loss.TakesHead }) {
		return nil, fmt.Errorf("--loss %s leaves the logits untrained: only --feature simkd can do without a loss on them", noLoss)
	}
	if len(c.Taps) > 0 && len(terms) == 0 {
		return nil, fmt.Errorf("--tap names tensors for --feature or --relation, and neither is given")
	}
	return terms, nil
}

// noLoss as Config.Loss leaves the logits to the other losses.
const noLoss = "none"

// prepareInside finds what the losses inside the models compare, and gives the
// student the teacher's head where one asks for it.
func (j *job) prepareInside(ctx context.Context) error {
	terms, err := j.insideLosses()
	if err != nil || len(terms) == 0 {
		return err
	}
	if j.teacherInside, err = j.teacher.anatomy(ctx, j.set); err != nil {
		return err
	}
	if j.studentInside, err = studentAnatomy(j.student, j.dims()); err != nil {
		return err
	}
	for i := range terms {
		if !terms[i].Loss.TakesHead {
			continue
		}
		if terms[i].Pairs, err = j.takeHead(); err != nil {
			return fmt.Errorf("loss %s: %w", terms[i].Loss.Name, err)
		}
		if j.studentInside, err = studentAnatomy(j.student, j.dims()); err != nil {
			return err
		}
	}
	for i := range terms {
		if terms[i].Pairs != nil {
			continue
		}
		p, err := newPairer(j.teacherInside, j.studentInside, j.Taps)
		if err != nil {
			return err
		}
		if terms[i].Pairs, err = p.find(terms[i].Loss); err != nil {
			return err
		}
	}
	for _, t := range terms {
		for _, p := range t.Pairs {
			j.emit(Event{Kind: "note", Stage: "student", Message: fmt.Sprintf("loss %s compares %q %v of the student with %q %v of the teacher",
				t.Loss.Name, p.Student, p.StudentShape, p.Teacher, p.TeacherShape)})
			if !slices.ContainsFunc(j.taps, func(x distill.Tap) bool { return x.Tensor == p.Teacher }) {
				j.taps = append(j.taps, distill.Tap{Tensor: p.Teacher, Shape: p.TeacherShape})
			}
		}
	}
	j.inside = terms
	return nil
}

// takeHead puts the teacher's classifier into the student and pairs what is before
// it.
func (j *job) takeHead() ([]loss.Pair, error) {
	if j.teacher.Knowledge.Kind != rewrite.KindLogits {
		return nil, fmt.Errorf("the teacher has probabilities alone, no layer that computes logits")
	}
	p, err := newPairer(j.teacherInside, j.studentInside, j.Taps)
	if err != nil {
		return nil, err
	}
	var t, s inner
	if len(p.given) > 0 {
		g := p.given[0]
		t, s = inner{g.Teacher, g.TeacherShape}, inner{g.Student, g.StudentShape}
	} else if t, s, err = p.heads(); err != nil {
		return nil, err
	}
	taken, feature, err := j.student.TakeHead(j.teacherInside.graph, j.teacher.Knowledge.Logits,
		student.Features{Tensor: t.tensor, Shape: t.shape}, student.Features{Tensor: s.tensor, Shape: s.shape}, j.teacherInside.rectified(t.tensor), j.Seed)
	if err != nil {
		return nil, err
	}
	j.student = taken
	return []loss.Pair{{Teacher: t.tensor, Student: feature, TeacherShape: t.shape, StudentShape: t.shape}}, nil
}

// heads are the tensors from which teacher and student go on to their logits: the
// map that the teacher averages and the student's last, where that is of its size or
// can be averaged down to it, else the vectors that the last linear layers read.
func (p *pairer) heads() (t, s inner, err error) {
	if t, err = p.teacher.embedding(); err != nil {
		return t, s, fmt.Errorf("in the teacher, %w", err)
	}
	if s, err = p.student.embedding(); err != nil {
		return t, s, fmt.Errorf("in the student, %w", err)
	}
	if m, ok := p.teacher.pooled(t.tensor); ok {
		if maps := p.student.stages(); len(maps) > 0 {
			last := maps[len(maps)-1]
			if _, ok := student.Averages(last.shape, m.shape); ok {
				return m, last, nil
			}
		}
	}
	return t, s, nil
}

// openTeacher makes the teacher ready to answer batches, where what the student
// is given is not answered beforehand.
func (j *job) openTeacher(ctx context.Context) (*live, error) {
	augment, err := data.ParseAugment(j.Augment)
	if err != nil || len(j.taps) == 0 && augment == (data.Augment{}) {
		return nil, err
	}
	l, err := j.teacher.live(j.set, j.taps, j.Threads)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(j.inside, func(t loss.Term) bool { return t.Loss.Place == loss.Preactivations }) {
		return l, nil
	}
	margins, err := l.margins(ctx, j.set, j.train[:min(marginSamples, len(j.train))])
	if err != nil {
		l.session.Close()
		return nil, err
	}
	for i, t := range j.inside {
		for k, p := range t.Pairs {
			for m, tap := range j.taps {
				if tap.Tensor == p.Teacher && t.Loss.Place == loss.Preactivations {
					j.inside[i].Pairs[k].Margin = margins[m]
				}
			}
		}
	}
	return l, nil
}

func lossNames(family loss.Family) string {
	text := ""
	for _, l := range loss.All() {
		if l.Family == family {
			if text != "" {
				text += ", "
			}
			text += l.Name
		}
	}
	return text
}
