// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"
	"slices"
)

// vectorGauge compares embeddings by the cosine of the angle between them; of
// several in a sample the mean counts. The interval is that of the mean over
// samples.
type vectorGauge struct {
	c         CompareConfig
	width     int
	each      int // vectors a sample
	samples   int
	nonFinite int
	cosines   []float64
	least     float64
	relative  []float64
	maxDiff   float64
	worst     worst
}

func newVectorGauge(c CompareConfig, tdims, sdims []int64) (gauge, error) {
	if !slices.Equal(tdims, sdims) || len(tdims) == 0 {
		return nil, fmt.Errorf("the teacher answers a sample with shape %v, the student with %v: embeddings have one length", tdims, sdims)
	}
	width := int(tdims[len(tdims)-1])
	return &vectorGauge{c: c, width: width, each: int(product(tdims)) / max(width, 1), least: 1}, nil
}

func (g *vectorGauge) add(i int, teacher, student []float32) {
	g.samples++
	if !finite(teacher, student) {
		g.nonFinite++
		g.cosines = append(g.cosines, -1)
		g.worst.keep(i, math.Inf(1))
		return
	}
	var mean, gap, size float64
	for lo := 0; lo < len(teacher); lo += g.width {
		var dot, tt, ss float64
		for d := lo; d < lo+g.width; d++ {
			t, s := float64(teacher[d]), float64(student[d])
			dot, tt, ss = dot+t*s, tt+t*t, ss+s*s
			gap += (t - s) * (t - s)
			g.maxDiff = max(g.maxDiff, math.Abs(t-s))
		}
		size += tt
		cos := 0.0
		switch norm := math.Sqrt(tt * ss); {
		case norm > 0:
			cos = max(-1, min(1, dot/norm))
		case tt == ss:
			cos = 1
		}
		mean += cos / float64(g.each)
	}
	g.cosines = append(g.cosines, mean)
	g.least = min(g.least, mean)
	if size > 0 {
		g.relative = append(g.relative, math.Sqrt(gap/size))
	}
	if mean < 1-negligible {
		g.worst.keep(i, 1-mean)
	}
}

func (g *vectorGauge) fidelity() Fidelity {
	f := g.c.base(g.samples, g.samples*g.each)
	f.Measure, f.NonFinite, f.Worst, f.MaxAbsDiff = MeasureCosine, g.nonFinite, g.worst.shown(g.c), &g.maxDiff
	f.Agreement, f.AgreementCI95 = meanInterval(g.cosines)
	f.AgreementCI95[1] = max(f.Agreement, min(1, f.AgreementCI95[1]))
	f.LeastCosine = &g.least
	if len(g.relative) > 0 {
		mean, _ := meanInterval(g.relative)
		f.RelativeError = &mean
	}
	return f
}

func (g *vectorGauge) accuracy() *Accuracy { return nil }
