// SPDX-License-Identifier: Apache-2.0

package loss

// simkd is the loss of Chen et al. 2022 (arXiv:2203.14001): the mean over all
// elements of
//
//	(P(f_s) - f_t)^2
//
// between the student's projected features and the teacher's, at the place where
// the student goes on with the teacher's own classifier, frozen. The projector P
// stays in the exported model; both are put into the student before training, so
// that the two tensors have one shape here. No divergence of logits is needed.
var _ = register(Loss{
	Name:      "simkd",
	Summary:   "squared difference of the features before the teacher's classifier, which the student takes over",
	Family:    Feature,
	Place:     Embedding,
	TakesHead: true,
	Params:    []Param{weight(1)},
	Check:     sameShape,
	Append: func(f *Fragment) []string {
		return f.eachPair(func(p Pair) string {
			return f.Scale(f.meanSquare(p.Student, p.Teacher, p.TeacherShape), f.Value("weight"))
		})
	},
})
