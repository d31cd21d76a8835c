// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
)

// labelGauge compares yes-or-no answers. Its measure is the share of labels on
// which both decide the same (a probability of one half is the threshold), with
// Wilson's interval for as many trials as there are samples, since the labels of
// one sample are not independent. KL is the sum over labels of the Bernoulli
// divergences.
type labelGauge struct {
	c         CompareConfig
	width     int
	samples   int
	nonFinite int
	agreed    int
	exact     int
	kl        []float64
	maxDiff   float64
	positive  int
	worst     worst
}

func newLabelGauge(c CompareConfig, tdims, sdims []int64) (gauge, error) {
	if product(tdims) != product(sdims) {
		return nil, fmt.Errorf("the teacher answers a sample with shape %v, the student with %v", tdims, sdims)
	}
	return &labelGauge{c: c, width: int(product(tdims))}, nil
}

func (g *labelGauge) add(i int, teacher, student []float32) {
	g.samples++
	if !finite(teacher, student) {
		g.nonFinite++
		g.worst.keep(i, math.Inf(1))
		return
	}
	same, kl := 0, 0.0
	for d, t := range teacher {
		a, b := g.c.Teacher.yes(t), g.c.Student.yes(student[d])
		if a {
			g.positive++
		}
		if a == b {
			same++
		}
		if g.c.Teacher.Scores != ClassIDs && g.c.Student.Scores != ClassIDs {
			kl += bernoulli(g.c.Teacher.logOdds(t), g.c.Student.logOdds(student[d]))
			if g.c.Teacher.Scores == g.c.Student.Scores {
				g.maxDiff = max(g.maxDiff, math.Abs(float64(t)-float64(student[d])))
			}
		}
	}
	g.agreed += same
	if same == len(teacher) {
		g.exact++
	}
	g.kl = append(g.kl, kl)
	if far := kl + float64(len(teacher)-same); far > negligible {
		g.worst.keep(i, far)
	}
}

// yes is the decision of a label's score.
func (s Side) yes(v float32) bool {
	if s.Scores == Logits {
		return v > 0
	}
	return v > 0.5
}

// logOdds is the logit of a label's score. Probabilities are kept off 0 and 1 by
// leastProbability and float32's distance to 1.
func (s Side) logOdds(v float32) float64 {
	if s.Scores == Logits {
		return float64(v)
	}
	p := min(max(float64(v), leastProbability), 1-0x1p-25)
	return math.Log(p) - math.Log1p(-p)
}

// bernoulli is the divergence of the probability sigmoid(s) from sigmoid(t).
func bernoulli(t, s float64) float64 {
	softplus := func(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }
	return max(0, (t-s)/(1+math.Exp(-t))+softplus(s)-softplus(t))
}

func (g *labelGauge) fidelity() Fidelity {
	f := g.c.base(g.samples, g.samples*g.width)
	f.Measure, f.NonFinite, f.Worst = MeasureLabels, g.nonFinite, g.worst.shown(g.c)
	f.Agreement = float64(g.agreed) / float64(f.Answers)
	f.AgreementCI95 = Wilson(f.Agreement*float64(g.samples), g.samples)
	exact := float64(g.exact) / float64(g.samples)
	f.ExactMatch = &exact
	if g.c.Teacher.Scores != ClassIDs && g.c.Student.Scores != ClassIDs && len(g.kl) > 0 {
		mean := stat.Mean(g.kl, nil)
		f.KL = &mean
		if g.c.Teacher.Scores == g.c.Student.Scores {
			f.MaxAbsDiff = &g.maxDiff
		}
	}
	return f
}

func (g *labelGauge) accuracy() *Accuracy { return nil }
