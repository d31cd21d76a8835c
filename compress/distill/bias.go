// SPDX-License-Identifier: Apache-2.0

package distill

import (
	"context"
	"math"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/compress/target"
	"github.com/kdcompress/kdcompress/student"
	"github.com/kdcompress/kdcompress/student/engine"
)

// FitBias finds the number for each class that is to be added to the student's
// logits so that its probabilities diverge least from the teacher's on samples of
// a set, at temperature 1. Where they do, student and teacher give every class the
// same probability on average. It repairs classes that the transfer set lacked
// (Hinton et al. 2015, section 3) from inputs that nobody has labelled. The mean of
// the numbers is 0.
func FitBias(ctx context.Context, s *student.Student, set *data.Set, answers *target.Answers, idx []int, shards int) ([]float32, error) {
	params, err := engine.NewParams[float32](s.Model.Graph, nil)
	if err != nil {
		return nil, err
	}
	e, err := newEvaluator(Config{Student: s, Set: set, Answers: answers, Held: idx, Shards: shards}, params)
	if err != nil {
		return nil, err
	}
	var logits [][]float32
	want := make([]float64, answers.Width())
	err = e.each(ctx, func(_ int, student, teacher []float32) {
		logits = append(logits, append([]float32(nil), student...))
		softmax(teacher, nil, func(c int, p float64) { want[c] += p / float64(len(idx)) })
	})
	if err != nil {
		return nil, err
	}
	return matchMeans(logits, want), nil
}

// matchMeans finds the biases under which the mean softmax of the logits is want,
// by adding the logarithm of what is missing until nothing is.
func matchMeans(logits [][]float32, want []float64) []float32 {
	const (
		rounds = 500
		least  = 1e-7 // probabilities below cannot be told from rounding
		still  = 1e-5
	)
	bias := make([]float64, len(want))
	for range rounds {
		have := make([]float64, len(want))
		for _, z := range logits {
			softmax(z, bias, func(c int, p float64) { have[c] += p / float64(len(logits)) })
		}
		var moved, mean float64
		for c := range bias {
			step := math.Log(max(want[c], least) / max(have[c], least))
			bias[c] += step
			moved = max(moved, math.Abs(step))
			mean += bias[c] / float64(len(bias))
		}
		for c := range bias {
			bias[c] -= mean
		}
		if moved < still {
			break
		}
	}
	out := make([]float32, len(bias))
	for c, b := range bias {
		out[c] = float32(b)
	}
	return out
}

// softmax visits the probabilities of logits with biases, which may be nil.
func softmax(z []float32, bias []float64, visit func(c int, p float64)) {
	at := func(c int) float64 {
		if bias == nil {
			return float64(z[c])
		}
		return float64(z[c]) + bias[c]
	}
	top := math.Inf(-1)
	for c := range z {
		top = max(top, at(c))
	}
	var sum float64
	for c := range z {
		sum += math.Exp(at(c) - top)
	}
	for c := range z {
		visit(c, math.Exp(at(c)-top)/sum)
	}
}
