// SPDX-License-Identifier: Apache-2.0

package loss

// pkt is probabilistic knowledge transfer (Passalis & Tefas 2018,
// arXiv:1803.10837): with K_ij = (cos(e_i, e_j) + 1) / 2, rows divided by their
// sum,
//
//	L = mean_ij K_t log((K_t + eps) / (K_s + eps))
//
// with eps = 1e-7. The published weight of 30000 makes up for the mean over N^2.
var _ = register(Loss{
	Name:    "pkt",
	Summary: "divergence of the samples' similarities, read as probabilities",
	Family:  Relation,
	Place:   Embedding,
	Params:  []Param{weight(30000)},
	Append: func(f *Fragment) []string {
		const eps = 1e-7
		near := func(x string, shape []int) string {
			x = f.rows(x, shape)
			norm := f.Op("Sqrt", []string{f.atLeast(f.sum(f.square(x), 1, 1), 1e-24)})
			x = f.Op("Div", []string{x, f.Offset(norm, eps)})
			k := f.Scale(f.Offset(f.gram(x), 1), 0.5)
			return f.Op("Div", []string{k, f.sum(k, 1, 1)})
		}
		return f.eachPair(func(p Pair) string {
			s, t := near(p.Student, p.StudentShape), near(p.Teacher, p.TeacherShape)
			log := func(x string) string { return f.Op("Log", []string{f.Offset(x, eps)}) }
			return f.Scale(f.overBatch(f.mul(t, f.sub(log(t), log(s)))), f.Value("weight"))
		})
	},
})
