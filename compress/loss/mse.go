// SPDX-License-Identifier: Apache-2.0

package loss

// mse is the mean squared error against the teacher's numbers,
//
//	L = mean_c (y_s[c] - y_t[c])^2
//
// a sample, for regression and embeddings. Both sides come standardised by the
// teacher's mean and deviation over the transfer set, so that outputs of
// different units weigh the same.
var _ = register(Loss{
	Name:    "mse",
	Summary: "mean squared error, for regression and embeddings",
	For:     anything,
	Append:  func(f *Fragment) []string { return []string{f.squared()} },
})

// squared is the mean squared difference of student and teacher a sample.
func (f *Fragment) squared() string {
	gap := f.Op("Sub", []string{f.Student, f.Target(TeacherLogits)})
	return f.Scale(f.SumClasses(f.Op("Mul", []string{gap, gap})), 1/float64(f.Classes))
}
