// SPDX-License-Identifier: Apache-2.0

package loss

// hard is the cross-entropy with the class the teacher chooses, the "hard-label
// distillation" of Touvron et al. 2021 (arXiv:2012.12877) without true labels:
//
//	L = -log softmax(z_s)[argmax z_t]
//
// a sample. It throws away what the teacher knows of the other classes.
var _ = register(Loss{
	Name:    "hard",
	Summary: "cross-entropy with the class the teacher chooses",
	Append:  func(f *Fragment) []string { return []string{f.crossEntropy(f.Target(TeacherChoice))} },
})
