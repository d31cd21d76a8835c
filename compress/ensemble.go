// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/compress/target"
)

// ensemble are several teachers that answer together: the probability of a class is
// the weighted mean of theirs, and the logit its logarithm, which any temperature
// then softens. To a student that is the same as a term for every teacher, since the
// divergence's gradient is linear in the target.
type ensemble struct {
	teachers []*Teacher
	logs     []float64 // of the weights, which sum to 1
}

// loadMore loads the teachers beside the first.
func (j *job) loadMore(ctx context.Context) error {
	if len(j.More) == 0 {
		return nil
	}
	e := &ensemble{teachers: []*Teacher{j.teacher}}
	for _, path := range j.More {
		t, err := LoadTeacher(path, "")
		if err != nil {
			return err
		}
		wants, err := t.Wants()
		if err != nil {
			return err
		}
		if len(wants) != len(t.Model.Graph.DataInputs()) || len(wants) != len(j.teacher.Model.Graph.DataInputs()) {
			return fmt.Errorf("%s has %d inputs, %s has %d: teachers that answer together must read the same samples", path, len(wants), j.teacher.Path, len(j.teacher.Model.Graph.DataInputs()))
		}
		if err := t.probe(ctx, j.set); err != nil {
			return err
		}
		if !slices.Equal(t.Logits, j.teacher.Logits) {
			return fmt.Errorf("%s gives logits of shape %v, %s of %v: teachers that answer together must know the same classes", path, t.Logits, j.teacher.Path, j.teacher.Logits)
		}
		e.teachers = append(e.teachers, t)
	}
	weights := j.Weights
	if weights == nil {
		weights = slices.Repeat([]float64{1}, len(e.teachers))
	}
	var sum float64
	for _, w := range weights {
		sum += w
	}
	for _, w := range weights {
		e.logs = append(e.logs, math.Log(w/sum))
	}
	j.ensemble = e
	return nil
}

// identity is what answers to a set are kept under.
func (j *job) identity(set *data.Set) target.Identity {
	id := j.teacher.identity(set)
	if j.Store != "" {
		id.Encoding = target.Encoding(j.Store)
	}
	if e := j.ensemble; e != nil {
		var b strings.Builder
		for i, t := range e.teachers {
			fmt.Fprintf(&b, "%s %s %v\n", t.SHA256, t.Knowledge.Logits, e.logs[i])
		}
		sum := sha256.Sum256([]byte(b.String()))
		id.Teacher = hex.EncodeToString(sum[:])
	}
	return id
}

// answer has the teachers answer the samples idx of a set that answers lacks.
func (j *job) answer(ctx context.Context, set *data.Set, answers *target.Answers, idx []int) error {
	if j.ensemble == nil {
		return j.teacher.answer(ctx, set, answers, idx, j.Threads, j.emit)
	}
	idx = slices.DeleteFunc(slices.Clone(idx), func(i int) bool { return answers.Has(set.Key(i)) })
	var each []*target.Answers
	for _, t := range j.ensemble.teachers {
		own := target.New(t.identity(set), answers.Dims)
		if err := t.answer(ctx, set, own, idx, j.Threads, j.emit); err != nil {
			return err
		}
		each = append(each, own)
	}
	width := answers.Width()
	rows := make([][]float32, len(each))
	mean := make([]float32, width)
	for _, i := range idx {
		for k, own := range each {
			rows[k] = own.Row(set.Key(i))
		}
		j.ensemble.mean(mean, rows)
		if err := answers.Add(set.Key(i), mean); err != nil {
			return err
		}
	}
	return nil
}

// mean is the logarithm of the weighted mean of the probabilities.
func (e *ensemble) mean(dst []float32, rows [][]float32) {
	norms := make([]float64, len(rows))
	for k, z := range rows {
		top := float64(slices.Max(z))
		var sum float64
		for _, v := range z {
			sum += math.Exp(float64(v) - top)
		}
		norms[k] = top + math.Log(sum)
	}
	for c := range dst {
		top := math.Inf(-1)
		for k, z := range rows {
			top = max(top, float64(z[c])-norms[k]+e.logs[k])
		}
		var sum float64
		for k, z := range rows {
			sum += math.Exp(float64(z[c]) - norms[k] + e.logs[k] - top)
		}
		dst[c] = float32(top + math.Log(sum))
	}
}
