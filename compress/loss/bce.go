// SPDX-License-Identifier: Apache-2.0

package loss

// bce compares independent yes-or-no answers, one a logit: with p =
// sigmoid(z/T),
//
//	L = T^2 * sum_c p_t log(p_t/p_s) + (1-p_t) log((1-p_t)/(1-p_s))
//
// a sample, the sum of the Bernoulli Kullback-Leibler divergences of the labels
// (Yang et al. 2023, arXiv:2308.06453, eq. 3, without its clamp). It is computed
// from the logits as p_t (z_t-z_s) + softplus(z_s) - softplus(z_t), which
// overflows nowhere. Its gradient is that of the binary cross-entropy with the
// teacher's probabilities.
var _ = register(Loss{
	Name:    "bce",
	Summary: "KL divergence of independent yes-or-no answers, for several labels a sample",
	Params:  []Param{temperature(1)},
	For:     []Answer{LabelScores},
	Append: func(f *Fragment) []string {
		t := f.Value("temperature")
		s, target := f.Scale(f.Student, 1/t), f.Scale(f.Target(TeacherLogits), 1/t)
		gap := f.Op("Mul", []string{f.Op("Sigmoid", []string{target}), f.Op("Sub", []string{target, s})})
		norm := f.Op("Sub", []string{f.Op("Softplus", []string{s}), f.Op("Softplus", []string{target})})
		return []string{f.Scale(f.SumClasses(f.Op("Add", []string{gap, norm})), t*t)}
	},
})
