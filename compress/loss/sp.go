// SPDX-License-Identifier: Apache-2.0

package loss

// sp is similarity-preserving distillation (Tung & Mori 2019, arXiv:1907.09682):
// with G the products of all pairs of flattened features of a batch of N, its
// rows divided by their norm,
//
//	L = |G_s - G_t|^2 / N^2
//
// The published weight is 3000.
var _ = register(Loss{
	Name:    "sp",
	Summary: "which samples of a batch have similar features",
	Family:  Relation,
	Place:   LastMap,
	Params:  []Param{weight(3000)},
	Append: func(f *Fragment) []string {
		return f.eachPair(func(p Pair) string {
			similar := func(x string, shape []int) string { return f.unit(f.gram(f.rows(x, shape)), 1e-12) }
			gap := f.square(f.sub(similar(p.Student, p.StudentShape), similar(p.Teacher, p.TeacherShape)))
			return f.Scale(f.overBatch(gap), f.Value("weight"))
		})
	},
})
