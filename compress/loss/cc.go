// SPDX-License-Identifier: Apache-2.0

package loss

import "math"

// cc is correlation congruence (Peng et al. 2019, arXiv:1904.01802) with the
// Gaussian kernel of its section 3.4: for unit vectors x, y
//
//	k(x, y) = sum_{p=0..2} e^(-2 gamma) (2 gamma)^p / p! * (x.y)^p
//
// a Taylor series of exp(-gamma |x-y|^2), and for a batch of N
//
//	L = |K_s - K_t|^2 / N^2
//
// It needs no projector, since K does not depend on the vectors' length. (Another
// loss goes by the same name in RepDistiller.)
var _ = register(Loss{
	Name:    "cc",
	Summary: "correlations between samples under a Gaussian kernel",
	Family:  Relation,
	Place:   Embedding,
	Params: []Param{
		weight(100),
		{Name: "gamma", Default: 0.4, Min: 1e-6, Max: 100, Doc: "sharpness of the kernel"},
	},
	Append: func(f *Fragment) []string {
		g := 2 * f.Value("gamma")
		kernel := func(x string, shape []int) string {
			c := f.gram(f.unit(f.rows(x, shape), 1e-12))
			series := f.Offset(f.Op("Add", []string{f.Scale(c, g), f.Scale(f.square(c), g*g/2)}), 1)
			return f.Scale(series, math.Exp(-g))
		}
		return f.eachPair(func(p Pair) string {
			gap := f.sub(kernel(p.Student, p.StudentShape), kernel(p.Teacher, p.TeacherShape))
			return f.Scale(f.overBatch(f.square(gap)), f.Value("weight"))
		})
	},
})
