// SPDX-License-Identifier: Apache-2.0

package distill

import (
	"fmt"
	"math"

	"github.com/kdcompress/kdcompress/compress/loss"
	"github.com/kdcompress/kdcompress/compress/target"
	"github.com/kdcompress/kdcompress/onnx"
)

// Head is one of the tensors that a student learns. In the stored answers of a
// sample its numbers follow those of the heads before it, answer after answer.
type Head struct {
	// Tensor of the student holds what the teacher's answers are compared with.
	Tensor string
	// Layout says where its classes are.
	Layout target.Layout
	// Kind says what the numbers mean.
	Kind  loss.Answer
	Terms []loss.Term
	// Scale and Shift are the units of the teacher's numbers: targets are learned
	// as (t-shift)/scale. Both hold one number, or one for each class, or nothing.
	Scale, Shift []float32
	// Raw says that the student's tensor is in the teacher's units; else it is
	// standardised.
	Raw bool
}

// heads are the configured ones, or the student's logits alone.
func (c Config) heads() []Head {
	if c.Heads != nil {
		return c.Heads
	}
	return []Head{{Tensor: c.Student.Logits, Layout: target.Layout{Outer: 1, Classes: c.Answers.Width(), Inner: 1}, Terms: c.Terms}}
}

// part is the numbers of head i within a row of stored answers.
func part(heads []Head, i int, row []float32) []float32 {
	lo := 0
	for _, h := range heads[:i] {
		lo += h.Layout.Len()
	}
	return row[lo : lo+heads[i].Layout.Len()]
}

// standardise puts numbers of the teacher's units, answer after answer, into those
// of the training.
func (h *Head) standardise(v []float32) {
	if h.Scale == nil {
		return
	}
	for i := range v {
		v[i] = (v[i] - h.Shift[i%len(h.Shift)]) / h.Scale[i%len(h.Scale)]
	}
}

// rows appends the nodes that lay a tensor of the student out as answers,
// [N*answers, classes], standardised.
func (h *Head) rows(b *onnx.Builder) string {
	x, l := h.Tensor, h.Layout
	reshape := func(dims ...int64) {
		x = b.Op("Reshape", []string{x, b.Int64("rows", []int64{int64(len(dims))}, dims)})
	}
	if l.Inner > 1 {
		reshape(-1, int64(l.Outer), int64(l.Classes), int64(l.Inner))
		x = b.Op("Transpose", []string{x}, onnx.Ints("perm", 0, 1, 3, 2))
	}
	reshape(-1, int64(l.Classes))
	if h.Raw && h.Scale != nil {
		n := []int64{int64(len(h.Scale))}
		x = b.Op("Div", []string{b.Op("Sub", []string{x, b.Float32("shift", n, h.Shift)}), b.Float32("scale", n, h.Scale)})
	}
	return x
}

// tally sums up how one head's answers compare.
type tally struct {
	answers     float64
	score, away float64
}

// add compares one answer of student and teacher. The units are those of the
// training; for the direction of embeddings only their common factor is gone.
func (t *tally) add(kind loss.Answer, student, teacher []float32) {
	t.answers++
	switch kind {
	case loss.ClassScores:
		if target.Choice(student) == target.Choice(teacher) {
			t.score++
		}
		t.away += divergence(teacher, student)
	case loss.LabelScores:
		same := 0
		for c, v := range teacher {
			if (v > 0) == (student[c] > 0) {
				same++
			}
			t.away += bernoulli(float64(v), float64(student[c]))
		}
		t.score += float64(same) / float64(len(teacher))
	default:
		var dot, ss, tt, gap float64
		for c, v := range teacher {
			s, v := float64(student[c]), float64(v)
			dot, ss, tt = dot+s*v, ss+s*s, tt+v*v
			gap += (s - v) * (s - v)
		}
		gap /= float64(len(teacher))
		t.away += gap
		if kind == loss.Vectors {
			if norm := math.Sqrt(ss * tt); norm > 0 {
				t.score += dot / norm
			}
			return
		}
		t.score += 1 - gap
	}
}

// bernoulli is the divergence of the student's probability sigmoid(s) from the
// teacher's.
func bernoulli(t, s float64) float64 {
	softplus := func(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }
	p := 1 / (1 + math.Exp(-t))
	return max(0, p*(t-s)+softplus(s)-softplus(t))
}

// fits says why a head does not describe the stored answers.
func fits(heads []Head, width int) error {
	n := 0
	for _, h := range heads {
		n += h.Layout.Len()
	}
	if n != width {
		return fmt.Errorf("%d answers a sample are stored and %d are learned", width, n)
	}
	return nil
}
