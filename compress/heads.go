// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"math"

	"github.com/kdcompress/kdcompress/compress/distill"
	"github.com/kdcompress/kdcompress/compress/loss"
	"github.com/kdcompress/kdcompress/student"
)

// heads are what the training compares: a tensor of the student and losses for
// every answer of the teacher. The units of numbers are those of the training
// samples; where the student can, it learns without them.
func (j *job) heads(s *student.Student) ([]distill.Head, error) {
	var heads []distill.Head
	tensors := s.Answers()
	at := 0
	for i := range j.teacher.Answers {
		a := &j.teacher.Answers[i]
		terms, err := j.terms(a.kind(), i == 0)
		if err != nil {
			return nil, err
		}
		h := distill.Head{Tensor: tensors[i], Layout: a.layout(), Kind: a.kind(), Terms: terms}
		if k := a.kind(); k == loss.Numbers || k == loss.Vectors {
			columns := 1
			if len(a.Dims) == 1 {
				columns = h.Layout.Classes
			}
			h.Scale, h.Shift = j.units(at, h.Layout.Len(), columns, k == loss.Vectors)
			h.Raw = !s.SetUnits(i, h.Scale, h.Shift)
		}
		at += h.Layout.Len()
		heads = append(heads, h)
	}
	return heads, nil
}

// units are the deviation and mean, over the training samples, of the teacher's
// numbers from position at on, column by column. Of embeddings there is one scale
// for all, the root of the mean square, and no shift, which would turn them.
func (j *job) units(at, n, columns int, vectors bool) (scale, shift []float32) {
	sum, square := make([]float64, columns), make([]float64, columns)
	for _, s := range j.train {
		row := j.answers.Row(j.set.Key(s))[at : at+n]
		for i, v := range row {
			sum[i%columns] += float64(v)
		}
	}
	count := float64(len(j.train) * n / columns)
	var total float64
	for _, s := range j.train {
		row := j.answers.Row(j.set.Key(s))[at : at+n]
		for i, v := range row {
			mean := sum[i%columns] / count
			if vectors {
				mean = 0
			}
			d := float64(v) - mean
			square[i%columns] += d * d
			total += d * d
		}
	}
	scale, shift = make([]float32, columns), make([]float32, columns)
	for c := range scale {
		variance := square[c] / count
		if vectors {
			variance = total / (count * float64(columns))
		} else {
			shift[c] = float32(sum[c] / count)
		}
		scale[c] = float32(math.Sqrt(variance))
		if !(scale[c] > 1e-6*float32(math.Abs(float64(shift[c])))) || math.IsInf(float64(1/scale[c]), 0) {
			scale[c] = 1 // a constant
		}
	}
	return scale, shift
}
