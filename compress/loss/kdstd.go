// SPDX-License-Identifier: Apache-2.0

package loss

// kd-std is kd on standardised logits (Sun et al. 2024, arXiv:2403.01427): both
// sides are replaced by
//
//	z' = (z - mean_c z) / std_c z
//
// with the unbiased deviation over classes (C-1), so that the student need not
// match the size of the teacher's logits. The published weight is 9 at T = 2. A
// deviation of zero is kept from dividing by a variance of 1e-14, where the
// authors add 1e-7 to the deviation.
var _ = register(Loss{
	Name:      "kd-std",
	Summary:   "kd on logits standardised over the classes",
	Params:    []Param{temperature(2)},
	ScaleFree: true,
	Append: func(f *Fragment) []string {
		return []string{f.divergence(f.standardise(f.Student), f.standardise(f.Target(TeacherLogits)), f.Value("temperature"))}
	},
})

// standardise brings every sample's logits to mean 0 and deviation 1.
func (f *Fragment) standardise(z string) string {
	z = f.Op("Sub", []string{z, f.mean(z, 1)})
	variance := f.Scale(f.sum(f.Op("Mul", []string{z, z}), 1, 1), 1/float64(max(f.Classes-1, 1)))
	return f.Op("Div", []string{z, f.Op("Sqrt", []string{f.Offset(variance, 1e-14)})})
}
