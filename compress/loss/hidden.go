// SPDX-License-Identifier: Apache-2.0

package loss

import "math"

// hidden is the loss on hidden states of TinyBERT (Jiao et al. 2020,
// arXiv:1909.10351, section 3.1): the mean over all elements of
//
//	(h_s W - h_t)^2
//
// between what teacher and student say at every place of a sequence, [places,
// width] a sample. W is a trained projector where the widths differ; where they are
// one, as in a student cut from its teacher, there is none.
var _ = register(Loss{
	Name:    "hidden",
	Summary: "squared difference of the states at every place of a sequence",
	Family:  Feature,
	Place:   States,
	Params:  []Param{weight(1)},
	Check: func(p Pair) error {
		if s, t := p.StudentShape, p.TeacherShape; len(s) != 2 || len(t) != 2 || s[0] != t[0] {
			return sameShape(p)
		}
		return nil
	},
	Append: func(f *Fragment) []string {
		return f.eachPair(func(p Pair) string {
			x := p.Student
			if s, t := p.StudentShape[1], p.TeacherShape[1]; s != t {
				x = f.Op("MatMul", []string{x, f.Weight("states", math.Sqrt(1/float64(s)), int64(s), int64(t))})
			}
			return f.Scale(f.meanSquare(x, p.Teacher, p.TeacherShape), f.Value("weight"))
		})
	},
})
