// SPDX-License-Identifier: Apache-2.0

package loss

// cosine is the angle between two embeddings,
//
//	L = 1 - <y_s, y_t> / (|y_s| |y_t|)
//
// a sample. It does not see the embeddings' lengths.
var _ = register(Loss{
	Name:    "cosine",
	Summary: "1 minus the cosine of two embeddings",
	For:     anything,
	Append: func(f *Fragment) []string {
		t := f.Target(TeacherLogits)
		dot := f.SumClasses(f.Op("Mul", []string{f.Student, t}))
		lengths := f.Op("Mul", []string{f.length(f.Student), f.length(t)})
		return []string{f.Offset(f.Scale(f.Op("Div", []string{dot, lengths}), -1), 1)}
	},
})

// length is the Euclidean norm over the class axis, [N]. The small number under
// the root keeps its gradient finite at zero.
func (f *Fragment) length(x string) string {
	return f.Op("Sqrt", []string{f.Offset(f.SumClasses(f.Op("Mul", []string{x, x})), 1e-12)})
}
