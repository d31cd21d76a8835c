// SPDX-License-Identifier: Apache-2.0

package loss

// ce is the cross-entropy with true labels,
//
//	L = -log softmax(z_s)[label]
//
// a sample. It is used only where labels are given and asked for.
var _ = register(Loss{
	Name:    "ce",
	Summary: "cross-entropy with labels",
	Append:  func(f *Fragment) []string { return []string{f.crossEntropy(f.Target(Labels))} },
})

// crossEntropy of the student's distribution with one-hot targets, a sample.
func (f *Fragment) crossEntropy(hot string) string {
	return f.Scale(f.SumClasses(f.Op("Mul", []string{f.LogSoftmax(f.Student), hot})), -1)
}
