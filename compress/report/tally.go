// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// mostWorst bounds the lists of worst inputs and of confusions.
const mostWorst = 10

// tally gathers a comparison sample by sample.
type tally struct {
	c              CompareConfig
	tl, sl         layout
	each           int // answers in a sample
	withKL         bool
	trow, srow     []float32
	p, q           []float64
	samples        int
	agreed         int
	finite         int
	klSum          float64
	maxDiff        float64
	worst          []bad
	confusions     map[[2]int]int
	classes        []int64
	labelled       int
	tRight, sRight int
}

// bad is a sample on which the two differ. Its KL is the mean of its answers'.
type bad struct {
	Disagreement
	index     int
	kl        float64
	disagreed int
}

func newTally(c CompareConfig, tdims, sdims []int64) (*tally, error) {
	tl, err := c.Teacher.layoutOf(tdims)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Teacher.Path, err)
	}
	sl, err := c.Student.layoutOf(sdims)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Student.Path, err)
	}
	t := &tally{
		c: c, tl: tl, sl: sl, each: tl.outer * tl.inner, confusions: map[[2]int]int{},
		trow: make([]float32, tl.classes), srow: make([]float32, sl.classes),
		p: make([]float64, tl.classes), q: make([]float64, sl.classes),
	}
	t.withKL = c.Teacher.Scores != ClassIDs && c.Student.Scores != ClassIDs
	if t.each != sl.outer*sl.inner || (t.withKL && tl.classes != sl.classes) {
		return nil, fmt.Errorf("the teacher answers a sample with shape %v, the student with %v", tdims, sdims)
	}
	return t, nil
}

// add compares the answers for sample i.
func (t *tally) add(i int, teacher, student []float32) {
	t.samples++
	b := bad{index: i}
	var most float64 = -1
	var tc, sc int
	for a := range t.each {
		t.tl.answer(t.trow, teacher, a)
		t.sl.answer(t.srow, student, a)
		tc, sc = t.c.Teacher.class(t.trow), t.c.Student.class(t.srow)
		t.count(tc)
		same := tc == sc && tc >= 0
		if same {
			t.agreed++
		} else {
			b.disagreed++
			t.confusions[[2]int{tc, sc}]++
		}
		kl, far := t.distance(), 0.0
		switch {
		case math.IsNaN(kl):
			b.kl, far = math.Inf(1), math.Inf(1)
		case t.withKL:
			t.finite++
			t.klSum += kl
			b.kl += kl / float64(t.each)
			far = kl
		}
		// Of several answers the one shown is the farthest apart; a differing
		// class goes before the same class.
		if !same {
			far += 1e6
		}
		if far > most {
			most, b.Teacher, b.Student = far, tc, sc
		}
	}
	if b.kl > negligible || b.disagreed > 0 {
		t.keep(b)
	}
	t.label(i, tc, sc)
}

// distance is the KL of the current rows, NaN if a score is not finite, 0 where
// there are ids only. It also follows the largest difference of outputs.
func (t *tally) distance() float64 {
	if !t.withKL {
		return 0
	}
	if !logProbs(t.p, t.trow, t.c.Teacher.Scores) || !logProbs(t.q, t.srow, t.c.Student.Scores) {
		return math.NaN()
	}
	if t.c.Teacher.Scores == t.c.Student.Scores {
		for c, v := range t.trow {
			t.maxDiff = max(t.maxDiff, math.Abs(float64(v)-float64(t.srow[c])))
		}
	}
	return divergence(t.p, t.q)
}

// class is the class an answer chooses, -1 if a score is NaN.
func (s Side) class(row []float32) int {
	if s.Scores != ClassIDs {
		return argMax(row)
	}
	if row[0] != row[0] || row[0] < 0 {
		return -1
	}
	return int(row[0])
}

// negligible is a KL that rounding of float32 scores explains.
const negligible = 1e-6

// mostClasses bounds the histogram of class ids, which no axis bounds.
const mostClasses = 1 << 16

func (t *tally) count(class int) {
	if t.classes == nil {
		t.classes = make([]int64, t.tl.classes)
	}
	if class >= len(t.classes) && class < mostClasses {
		t.classes = append(t.classes, make([]int64, class+1-len(t.classes))...)
	}
	if class >= 0 && class < len(t.classes) {
		t.classes[class]++
	}
}

// keep puts a sample among the worst if it is one of them: by KL, then by
// the number of answers that differ, then by position.
func (t *tally) keep(b bad) {
	order := func(x, y bad) int {
		return cmp.Or(cmp.Compare(y.kl, x.kl), cmp.Compare(y.disagreed, x.disagreed), cmp.Compare(x.index, y.index))
	}
	at, _ := slices.BinarySearchFunc(t.worst, b, order)
	t.worst = slices.Insert(t.worst, at, b)
	t.worst = t.worst[:min(len(t.worst), mostWorst)]
}

func (t *tally) label(i, teacher, student int) {
	want, ok := t.c.Set.Label(i)
	if !ok || t.each != 1 {
		return
	}
	t.labelled++
	if teacher == want {
		t.tRight++
	}
	if student == want {
		t.sRight++
	}
}

func (t *tally) fidelity() Fidelity {
	total := t.samples * t.each
	f := Fidelity{
		Set: t.c.Name, ChoseEpoch: t.c.ChoseEpoch, Samples: t.samples, Answers: total,
		Agreement: float64(t.agreed) / float64(total), TeacherClasses: Histogram(t.classes),
		ClassNames: t.c.Set.Classes(),
	}
	f.AgreementCI95 = Wilson(f.Agreement*float64(t.samples), t.samples)
	if t.withKL {
		f.NonFinite = total - t.finite
	}
	if t.finite > 0 {
		mean := t.klSum / float64(t.finite)
		f.KL = &mean
		if t.c.Teacher.Scores == t.c.Student.Scores {
			f.MaxAbsDiff = &t.maxDiff
		}
	}
	for _, b := range t.worst {
		b.Name = t.c.Set.Name(b.index)
		if t.withKL && !math.IsInf(b.kl, 0) {
			b.Disagreement.KL = &b.kl
		}
		f.Worst = append(f.Worst, b.Disagreement)
	}
	for pair, n := range t.confusions {
		f.Confusions = append(f.Confusions, Confusion{pair[0], pair[1], n})
	}
	slices.SortFunc(f.Confusions, func(x, y Confusion) int {
		return cmp.Or(cmp.Compare(y.Count, x.Count), cmp.Compare(x.Teacher, y.Teacher), cmp.Compare(x.Student, y.Student))
	})
	f.Confusions = f.Confusions[:min(len(f.Confusions), mostWorst)]
	return f
}

func (t *tally) accuracy() *Accuracy {
	if t.labelled == 0 {
		return nil
	}
	n := float64(t.labelled)
	return &Accuracy{
		Set: t.c.Name, Teacher: float64(t.tRight) / n, Student: float64(t.sRight) / n, Samples: t.labelled,
		CI95: AccuracyCI95{Wilson(float64(t.tRight), t.labelled), Wilson(float64(t.sRight), t.labelled)},
	}
}
