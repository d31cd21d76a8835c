// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kdcompress/kdcompress/compress/loss"
)

// pairer finds the tensors that losses compare inside the two models.
type pairer struct {
	teacher, student *anatomy
	given            []loss.Pair // named by the user, for every loss
}

// newPairer reads the pairs that the user names, each TEACHER:STUDENT.
func newPairer(teacher, student *anatomy, taps []string) (*pairer, error) {
	p := &pairer{teacher: teacher, student: student}
	for _, tap := range taps {
		pair, err := p.parse(tap)
		if err != nil {
			return nil, err
		}
		p.given = append(p.given, pair)
	}
	return p, nil
}

// parse splits at the colon that leaves a tensor of each model on its side; names
// may hold colons of their own.
func (p *pairer) parse(tap string) (loss.Pair, error) {
	for i, c := range tap {
		if c != ':' {
			continue
		}
		t, s := inner{tap[:i], p.teacher.shape(tap[:i])}, inner{tap[i+1:], p.student.shape(tap[i+1:])}
		if t.shape != nil && s.shape != nil {
			return p.pair(t, s), nil
		}
	}
	return loss.Pair{}, fmt.Errorf("--tap %s: it must be TEACHER:STUDENT, two tensors that depend on the samples and lead to the logits; the teacher has %s; the student has %s",
		tap, names(p.teacher.inner), names(p.student.inner))
}

// names lists tensors for a message.
func names(list []inner) string {
	const shown = 12
	var b []string
	for _, x := range list {
		b = append(b, fmt.Sprintf("%q %v", x.tensor, x.shape))
	}
	if len(b) > shown {
		b = append(b[:shown], "...")
	}
	return strings.Join(b, ", ")
}

func (p *pairer) pair(t, s inner) loss.Pair {
	return loss.Pair{Teacher: t.tensor, Student: s.tensor, TeacherShape: t.shape, StudentShape: s.shape, Rectified: p.teacher.rectified(t.tensor)}
}

// find gives the pairs that a loss compares.
func (p *pairer) find(l *loss.Loss) ([]loss.Pair, error) {
	pairs := p.given
	if pairs == nil {
		var err error
		if pairs, err = p.at(l.Place); err != nil {
			return nil, fmt.Errorf("loss %s: %w", l.Name, err)
		}
	}
	for _, pair := range pairs {
		if l.Check == nil {
			continue
		}
		if err := l.Check(pair); err != nil {
			return nil, fmt.Errorf("loss %s cannot compare %q of the teacher with %q of the student: %w", l.Name, pair.Teacher, pair.Student, err)
		}
	}
	return pairs, nil
}

// at pairs the tensors of a place.
func (p *pairer) at(place loss.Place) ([]loss.Pair, error) {
	switch place {
	case loss.Embedding:
		return p.embeddings()
	case loss.States:
		return p.states()
	case loss.LastMap:
		t, s := p.teacher.stages(), p.student.stages()
		if len(t) == 0 || len(s) == 0 {
			return p.embeddings()
		}
		return []loss.Pair{p.pair(t[len(t)-1], s[len(s)-1])}, nil
	}
	pairs := p.stages(place == loss.Preactivations)
	if len(pairs) == 0 {
		if place == loss.Stages && len(p.teacher.stages()) > 0 {
			return nil, errors.New("no feature maps of teacher and student have the same height and width; name the tensors with --tap")
		}
		return p.embeddings()
	}
	if place == loss.Hint {
		return pairs[len(pairs)/2:][:1], nil
	}
	return pairs, nil
}

// stages pairs the last feature maps of every height and width that both have.
func (p *pairer) stages(before bool) []loss.Pair {
	var pairs []loss.Pair
	student := p.student.stages()
	for _, t := range p.teacher.stages() {
		i := slices.IndexFunc(student, func(s inner) bool { return slices.Equal(s.shape[1:], t.shape[1:]) })
		if i < 0 {
			continue
		}
		s := student[i]
		if before {
			t, s = p.teacher.beforeRelu(t), p.student.beforeRelu(s)
		}
		pairs = append(pairs, p.pair(t, s))
	}
	return pairs
}

// embeddings pairs what the last linear layers read.
func (p *pairer) embeddings() ([]loss.Pair, error) {
	t, err := p.teacher.embedding()
	if err != nil {
		return nil, fmt.Errorf("in the teacher, %w", err)
	}
	s, err := p.student.embedding()
	if err != nil {
		return nil, fmt.Errorf("in the student, %w", err)
	}
	return []loss.Pair{p.pair(t, s)}, nil
}

// states pairs the last tensors that hold a vector at every place, of as many places
// in both models.
func (p *pairer) states() ([]loss.Pair, error) {
	for _, t := range slices.Backward(p.teacher.inner) {
		for _, s := range slices.Backward(p.student.inner) {
			if len(t.shape) == 2 && len(s.shape) == 2 && t.shape[0] == s.shape[0] && t.shape[1] > 1 && s.shape[1] > 1 {
				return []loss.Pair{p.pair(t, s)}, nil
			}
		}
	}
	return nil, errors.New("the two models have no vectors at as many places of a sequence; name the tensors with --tap")
}
