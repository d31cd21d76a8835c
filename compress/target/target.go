// SPDX-License-Identifier: Apache-2.0

// Package target keeps the teacher's answers: for every sample its logits, found
// again by the sample's content, never by its position. Shuffling, leaving out
// or adding samples cannot put an answer beside the wrong sample.
package target

import (
	"fmt"

	"github.com/kdcompress/kdcompress/compress/data"
)

// Key identifies a sample by its content, as data.Set.Key does.
type Key = [16]byte

// Identity says what answers are answers to. Answers of another identity are
// never used.
type Identity struct {
	Teacher       string `json:"teacher_sha256"`
	Output        string `json:"output"`
	Preprocessing string `json:"preprocessing_sha256"`
}

// Answers are the teacher's logits for a set of samples.
type Answers struct {
	Identity Identity
	// Dims is the shape of one sample's logits.
	Dims []int

	width  int
	logits []float32
	index  map[Key]int
	keys   []Key
}

// New is an empty store for logits of the given per-sample shape.
func New(id Identity, dims []int) *Answers {
	a := &Answers{Identity: id, Dims: dims, width: 1, index: map[Key]int{}}
	for _, d := range dims {
		a.width *= d
	}
	return a
}

// Len is the number of distinct samples answered.
func (a *Answers) Len() int { return len(a.keys) }

// Width is the number of logits a sample.
func (a *Answers) Width() int { return a.width }

// Has says whether the sample is answered.
func (a *Answers) Has(k Key) bool {
	_, ok := a.index[k]
	return ok
}

// Add stores the logits of a sample. A sample seen before keeps its first answer.
func (a *Answers) Add(k Key, logits []float32) {
	if len(logits) != a.width {
		panic("target: logits of another width")
	}
	if a.Has(k) {
		return
	}
	a.index[k] = len(a.keys)
	a.keys = append(a.keys, k)
	a.logits = append(a.logits, logits...)
}

// Row is the answer to a sample, nil if there is none. It must not be changed.
func (a *Answers) Row(k Key) []float32 {
	i, ok := a.index[k]
	if !ok {
		return nil
	}
	return a.logits[i*a.width : (i+1)*a.width]
}

// Of is the answer to a sample of a set. It must not be changed.
func (a *Answers) Of(set *data.Set, sample int) ([]float32, error) {
	row := a.Row(set.Key(sample))
	if row == nil {
		return nil, fmt.Errorf("%s has no answer of the teacher", set.Name(sample))
	}
	return row, nil
}

// Batch gathers the answers to samples of a set into dst, one row each.
func (a *Answers) Batch(set *data.Set, idx []int, dst []float32) error {
	for i, s := range idx {
		row, err := a.Of(set, s)
		if err != nil {
			return err
		}
		copy(dst[i*a.width:(i+1)*a.width], row)
	}
	return nil
}

// Bytes is the memory a sample costs in the store.
func (a *Answers) Bytes() int { return 4*a.width + len(Key{}) }

// Choice is the class that logits favour: the first of the largest.
func Choice(logits []float32) int {
	best := 0
	for c, v := range logits {
		if v > logits[best] {
			best = c
		}
	}
	return best
}
