// SPDX-License-Identifier: Apache-2.0

package loss

// rkd is relational distillation (Park et al. 2019, arXiv:1904.05068) on vectors e
// of a batch. With d_ij = |e_i - e_j| divided by the mean of all such distances,
// and a_ijk the cosine of the angle at j between i and k,
//
//	L = distance * mean_ij h(d_s - d_t) + angle * mean_ijk h(a_s - a_t)
//
// where h is Huber's function with beta 1. Published weights are 25 and 50 for
// classification, 1 and 2 for embeddings. Distances and angles are computed from
// the products of centred vectors; the angles cost N^3 numbers a batch of N.
var _ = register(Loss{
	Name:    "rkd",
	Summary: "distances and angles between samples",
	Family:  Relation,
	Place:   Embedding,
	Params: []Param{
		{Name: "distance", Default: 25, Max: 1e9, Doc: "weight of the distances"},
		{Name: "angle", Default: 50, Max: 1e9, Doc: "weight of the angles"},
	},
	Append: func(f *Fragment) []string {
		var losses []string
		for _, p := range f.Pairs {
			s, t := f.relate(f.rows(p.Student, p.StudentShape)), f.relate(f.rows(p.Teacher, p.TeacherShape))
			if w := f.Value("distance"); w > 0 {
				gap := f.sub(f.normalised(s.distance), f.normalised(t.distance))
				losses = append(losses, f.Scale(f.overBatch(f.smoothL1(gap)), w))
			}
			if w := f.Value("angle"); w > 0 {
				gap := f.smoothL1(f.sub(f.angles(s), f.angles(t)))
				n := float64(f.Batch)
				losses = append(losses, f.Scale(f.SumClasses(f.rows(gap, make([]int, 2))), w/(n*n)))
			}
		}
		return losses
	},
})

// related are the products and distances of a batch of vectors, [N, N] each.
type related struct{ gram, distance string }

// relate computes distances, 0 on the diagonal and at least 1e-6 elsewhere.
func (f *Fragment) relate(x string) related {
	x = f.centred(x)
	g, norms := f.gram(x), f.sum(f.square(x), 1, 1)
	squared := f.sub(f.Op("Add", []string{norms, f.across(norms)}), f.Scale(g, 2))
	d := f.mul(f.Op("Sqrt", []string{f.atLeast(squared, 1e-12)}), f.apart())
	return related{g, d}
}

// normalised divides distances by their mean over pairs of different samples.
func (f *Fragment) normalised(d string) string {
	n := f.Batch
	mean := f.Scale(f.sum(f.sum(d, 1, 1), 0, 1), 1/float64(max(n*(n-1), 1)))
	return f.Op("Div", []string{d, mean})
}

// angles holds for every sample j the cosines between e_i - e_j and e_k - e_j,
// [N, N, N], 0 where i or k is j. The products follow from those of the vectors.
func (f *Fragment) angles(r related) string {
	n := int64(f.Batch)
	all := f.reshape(f.across(r.gram), 1, n, n)
	own := f.reshape(f.sum(f.mul(r.gram, f.same()), 1, 1), 0, 1, 1)
	products := f.sub(f.sub(f.Op("Add", []string{all, own}), f.reshape(r.gram, 0, -1, 1)), f.reshape(r.gram, 0, 1, -1))
	// The diagonal of the distances is 0: its inverse must be 0 too.
	inverse := f.Op("Div", []string{f.apart(), f.Op("Add", []string{r.distance, f.same()})})
	return f.mul(f.mul(products, f.reshape(inverse, 0, -1, 1)), f.reshape(inverse, 0, 1, -1))
}
