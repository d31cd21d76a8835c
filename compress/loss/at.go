// SPDX-License-Identifier: Apache-2.0

package loss

// at is attention transfer (Zagoruyko & Komodakis 2017, arXiv:1612.03928) as its
// authors compute it: with Q(f) = mean_c f^2, flattened and divided by its norm,
//
//	L = mean_{h,w} (Q(f_s) - Q(f_t))^2
//
// a sample, summed over the pairs. The larger map of a pair is averaged down to the
// smaller. Equation (2) of the paper differs: a sum over channels, norms that are
// not squared; the published weight of 1000 belongs to the form here.
var _ = register(Loss{
	Name:    "at",
	Summary: "squared difference of the maps of where the features are large",
	Family:  Feature,
	Place:   Stages,
	Params:  []Param{weight(1000)},
	Check:   maps,
	Append: func(f *Fragment) []string {
		return f.eachPair(func(p Pair) string {
			s, t, h, w := f.alike(p)
			shape := []int{h * w}
			return f.Scale(f.meanSquare(f.attention(s, h*w), f.attention(t, h*w), shape), f.Value("weight"))
		})
	},
})

// attention is Q: [N, c, h, w] to [N, h*w] with rows of norm 1.
func (f *Fragment) attention(x string, positions int) string {
	return f.unit(f.reshape(f.mean(f.square(x), 1), 0, int64(positions)), 1e-12)
}
