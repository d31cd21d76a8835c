// SPDX-License-Identifier: Apache-2.0

package loss

import "strings"

// Family says what a loss compares.
type Family int

const (
	// Response losses compare the logits.
	Response Family = iota
	// Feature losses compare tensors inside the two models, sample by sample.
	Feature
	// Relation losses compare how the samples of a batch lie to each other.
	Relation
)

// Place says which tensors inside the models a loss compares, where the caller
// does not name them.
type Place int

const (
	// NoPlace is that of losses on logits.
	NoPlace Place = iota
	// Hint is one pair of feature maps of the same size, in the middle.
	Hint
	// Stages are the last feature maps of every size both models have.
	Stages
	// Preactivations are Stages before their ReLU.
	Preactivations
	// LastMap is the last of Stages, or Embedding where the models have none.
	LastMap
	// Embedding is what the layer that computes the logits reads.
	Embedding
	// States are the last vectors at every place of a sequence.
	States
)

// Pair is a tensor of the student and one of the teacher that a loss compares.
type Pair struct {
	// Student and Teacher are tensors of the training graph: [N] and the shape of
	// a sample, [channels, height, width], [places, width] or [features].
	Student, Teacher           string
	StudentShape, TeacherShape []int
	// Rectified says that the teacher's tensor is never negative.
	Rectified bool
	// Margin holds for every channel of the teacher the mean of its negative
	// values, for losses that ask for Preactivations.
	Margin []float32
}

// Map says whether both tensors are feature maps.
func (p Pair) Map() bool { return len(p.StudentShape) == 3 && len(p.TeacherShape) == 3 }

// ProjectorPrefix begins the names of the weights that a fragment trains beside
// the student. They are no part of the exported model.
const ProjectorPrefix = "projector."

// Trained says whether a tensor that a fragment added under the given builder
// prefix is a weight to train; everything else it adds is constant.
func Trained(prefix, name string) bool {
	return strings.HasPrefix(name, prefix+ProjectorPrefix)
}

// Size is the product of dimensions.
func Size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
