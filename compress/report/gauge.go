// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// gauge gathers a comparison sample by sample, by the measure that suits the task.
type gauge interface {
	// add compares the answers to sample i.
	add(i int, teacher, student []float32)
	fidelity() Fidelity
	// accuracy is nil where labels have nothing to say.
	accuracy() *Accuracy
}

// newGauge makes the gauge of a comparison whose answers to a sample have these
// dimensions. A task that is not given is guessed.
func newGauge(c CompareConfig, tdims, sdims []int64) (gauge, error) {
	if c.Task == "" {
		dims := make([]int, len(tdims))
		for i, d := range tdims {
			dims[i] = int(d)
		}
		c.Task = rewrite.Classify
		if c.Teacher.Scores == Logits {
			c.Task = rewrite.GuessTask(c.Teacher.Output, dims)
		}
	}
	switch c.Task {
	case rewrite.Multilabel:
		return newLabelGauge(c, tdims, sdims)
	case rewrite.Regress:
		return newNumberGauge(c, tdims, sdims)
	case rewrite.Embed:
		return newVectorGauge(c, tdims, sdims)
	}
	return newTally(c, tdims, sdims)
}

// worst keeps the samples on which an error is largest, mostWorst of them.
type worst struct{ list []bad }

func (w *worst) keep(i int, far float64) {
	order := func(x, y bad) int { return cmp.Or(cmp.Compare(y.kl, x.kl), cmp.Compare(x.index, y.index)) }
	b := bad{index: i, kl: far}
	at, _ := slices.BinarySearchFunc(w.list, b, order)
	w.list = slices.Insert(w.list, at, b)
	w.list = w.list[:min(len(w.list), mostWorst)]
}

// shown lists them for a report.
func (w *worst) shown(c CompareConfig) []Disagreement {
	var out []Disagreement
	for _, b := range w.list {
		d := Disagreement{Name: c.Set.Name(b.index)}
		if !math.IsInf(b.kl, 0) {
			e := b.kl
			d.Error = &e
		}
		out = append(out, d)
	}
	return out
}

// meanInterval is the mean of values, one a sample, with its 95% interval by the
// normal approximation.
func meanInterval(v []float64) (float64, Interval) {
	mean, sd := stat.MeanStdDev(v, nil)
	if len(v) < 2 {
		return mean, Interval{mean, mean}
	}
	half := z95 * sd / math.Sqrt(float64(len(v)))
	return mean, Interval{mean - half, mean + half}
}

// base is what the fidelity of every task says.
func (c CompareConfig) base(samples, answers int) Fidelity {
	return Fidelity{Set: c.Name, ChoseEpoch: c.ChoseEpoch, Samples: samples, Answers: answers, Task: string(c.Task)}
}

// finite says whether all values are numbers.
func finite(lists ...[]float32) bool {
	for _, list := range lists {
		for _, v := range list {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return false
			}
		}
	}
	return true
}
