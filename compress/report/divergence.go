// SPDX-License-Identifier: Apache-2.0

package report

import "math"

// Scores says what the numbers of a class axis are.
type Scores int

const (
	// Logits are unnormalised log-probabilities; log-probabilities are logits too.
	Logits Scores = iota
	// Probabilities are not negative and sum to 1.
	Probabilities
	// ClassIDs are arg maxes: one class number in place of a class axis.
	ClassIDs
)

// leastProbability stands for probabilities that float32 rounds to 0, so that
// their logarithm is finite. It is float32's smallest normal number.
const leastProbability = 0x1p-126

// logProbs turns the scores of one distribution into log-probabilities in
// float64 and says whether all scores are finite numbers. Probabilities are
// clamped to leastProbability and normalised anew.
func logProbs(dst []float64, scores []float32, kind Scores) bool {
	most := math.Inf(-1)
	for i, s := range scores {
		v := float64(s)
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
		if kind == Probabilities {
			v = math.Log(max(v, leastProbability))
		}
		dst[i] = v
		most = max(most, v)
	}
	var sum float64
	for _, v := range dst {
		sum += math.Exp(v - most)
	}
	norm := most + math.Log(sum)
	for i := range dst {
		dst[i] -= norm
	}
	return true
}

// divergence is KL(p || q) in nats of two distributions given as
// log-probabilities. It is never negative, rounding aside it is exact, and 0
// where both are equal bit for bit.
func divergence(p, q []float64) float64 {
	var sum float64
	for i, lp := range p {
		sum += math.Exp(lp) * (lp - q[i])
	}
	return max(0, sum)
}

// KL is KL(teacher || student) in nats at temperature 1 of one distribution
// each, teacher scores of kind tk, student scores of kind sk. It is NaN where a
// score is not a finite number. The two have the same length, at least 1.
func KL(teacher, student []float32, tk, sk Scores) float64 {
	if len(teacher) != len(student) || len(teacher) == 0 {
		panic("report: KL of distributions of different length")
	}
	p, q := make([]float64, len(teacher)), make([]float64, len(student))
	if !logProbs(p, teacher, tk) || !logProbs(q, student, sk) {
		return math.NaN()
	}
	return divergence(p, q)
}

// argMax is the first position of the largest score, -1 if a score is NaN.
func argMax(scores []float32) int {
	best := 0
	for i, s := range scores {
		if s != s {
			return -1
		}
		if s > scores[best] {
			best = i
		}
	}
	return best
}

// Histogram counts classes and gives the normalised entropy of the counts:
// -sum p log p / log(number of classes). It is nil without counts.
func Histogram(counts []int64) *ClassHistogram {
	var total int64
	for _, c := range counts {
		total += c
	}
	if total == 0 {
		return nil
	}
	h := &ClassHistogram{Counts: counts}
	if len(counts) < 2 {
		return h
	}
	for _, c := range counts {
		if c > 0 {
			p := float64(c) / float64(total)
			h.Entropy -= p * math.Log(p)
		}
	}
	h.Entropy = min(1, h.Entropy/math.Log(float64(len(counts))))
	return h
}
