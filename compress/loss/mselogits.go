// SPDX-License-Identifier: Apache-2.0

package loss

// mse-logits is the mean squared difference of the logits (Kim et al. 2021,
// arXiv:2105.08919),
//
//	L = mean_c (z_s[c] - z_t[c])^2
//
// a sample: the limit of kd for high temperatures, where logits are centred.
var _ = register(Loss{
	Name:    "mse-logits",
	Summary: "mean squared difference of the logits",
	For:     anything,
	Append:  func(f *Fragment) []string { return []string{f.squared()} },
})
