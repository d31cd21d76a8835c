// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// numberGauge compares numbers. Its measure is R2, the share of the teacher's
// variance over the set that the student explains:
//
//	R2 = 1 - sum (s-t)^2 / sum (t-mean)^2
//
// A vector of at most mostColumns numbers has one for each of them, of which the
// mean is taken over those that vary, so that their units do not matter; of other
// answers all numbers count together. The interval is that of the mean error a
// sample, the teacher's variance taken as given.
type numberGauge struct {
	c         CompareConfig
	width     int
	columns   bool
	samples   int
	nonFinite int
	sum, sum2 []float64   // of the teacher, by number
	errors    [][]float64 // squared errors: by sample one for each column, or their sum
	relative  []float64
	squares   float64 // of all errors
	maxDiff   float64
	worst     worst
}

// mostColumns bounds the vectors whose numbers are looked at one by one.
const mostColumns = 256

func newNumberGauge(c CompareConfig, tdims, sdims []int64) (gauge, error) {
	if product(tdims) != product(sdims) {
		return nil, fmt.Errorf("the teacher answers a sample with shape %v, the student with %v", tdims, sdims)
	}
	n := int(product(tdims))
	return &numberGauge{c: c, width: n, columns: len(tdims) < 2 && n <= mostColumns,
		sum: make([]float64, n), sum2: make([]float64, n)}, nil
}

func (g *numberGauge) add(i int, teacher, student []float32) {
	g.samples++
	if !finite(teacher, student) {
		g.nonFinite++
		g.worst.keep(i, math.Inf(1))
		return
	}
	var row []float64
	var total, size float64
	for d, v := range teacher {
		t := float64(v)
		gap := float64(student[d]) - t
		g.maxDiff = max(g.maxDiff, math.Abs(gap))
		g.sum[d] += t
		g.sum2[d] += t * t
		total += gap * gap
		size += t * t
		if g.columns {
			row = append(row, gap*gap)
		}
	}
	if !g.columns {
		row = []float64{total}
	}
	g.errors = append(g.errors, row)
	g.squares += total
	if size > 0 {
		g.relative = append(g.relative, math.Sqrt(total/size))
	}
	if total > 0 {
		g.worst.keep(i, math.Sqrt(total/float64(g.width)))
	}
}

func (g *numberGauge) fidelity() Fidelity {
	f := g.c.base(g.samples, g.samples)
	f.Measure, f.NonFinite, f.Worst = MeasureR2, g.nonFinite, g.worst.shown(g.c)
	n := float64(len(g.errors))
	if n == 0 {
		return f
	}
	variance := make([]float64, g.width)
	var all float64
	for d := range variance {
		variance[d] = max(0, g.sum2[d]/n-(g.sum[d]/n)*(g.sum[d]/n))
		if variance[d] < 1e-12*g.sum2[d]/n { // what rounding leaves of a constant
			variance[d] = 0
		}
		all += variance[d]
	}
	if !g.columns {
		variance = []float64{all}
	}
	varying := float64(len(variance) - len(slices.DeleteFunc(slices.Clone(variance), func(v float64) bool { return v > 0 })))
	each := make([]float64, len(g.errors))
	for i, row := range g.errors {
		for d, e := range row {
			if variance[d] > 0 {
				each[i] += e / variance[d] / varying
			}
		}
	}
	rmse := math.Sqrt(g.squares / n / float64(g.width))
	f.RMSE, f.MaxAbsDiff = &rmse, &g.maxDiff
	if varying > 0 {
		mean, ci := meanInterval(each)
		f.Agreement, f.AgreementCI95 = 1-mean, Interval{1 - ci[1], 1 - ci[0]}
	} else if g.squares == 0 {
		f.Agreement, f.AgreementCI95 = 1, Interval{1, 1}
	}
	if len(g.relative) > 0 {
		mean := stat.Mean(g.relative, nil)
		f.RelativeError = &mean
	}
	return f
}

func (g *numberGauge) accuracy() *Accuracy { return nil }
