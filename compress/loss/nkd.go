// SPDX-License-Identifier: Apache-2.0

package loss

// nkd is normalised distillation (Yang et al. 2023, "From Knowledge Distillation
// to Self-Knowledge Distillation", ICCV): with y the class the teacher chooses, p
// the distributions at temperature 1 and q those over the other classes at
// temperature T,
//
//	L = -p_t[y] log p_s[y] - gamma * T^2 * sum_{c != y} q_t[c] log q_s[c]
//
// a sample. The paper takes the true class for y, which a teacher's choice
// replaces here. Both terms are cross-entropies: the loss is not 0 where the
// student agrees.
var _ = register(Loss{
	Name:    "nkd",
	Summary: "cross-entropy of the chosen class, and of the others among themselves",
	Params: []Param{
		temperature(1),
		{Name: "gamma", Default: 1.5, Max: 1000, Doc: "weight of the other classes"},
	},
	Append: func(f *Fragment) []string {
		t, hot := f.Value("temperature"), f.Target(TeacherChoice)
		teacher := f.Target(TeacherLogits)
		chosen := f.SumClasses(f.mul(hot, f.mul(f.Softmax(teacher), f.LogSoftmax(f.Student))))
		s, z := f.decouple(f.Scale(f.Student, 1/t), hot), f.decouple(f.Scale(teacher, 1/t), hot)
		others := f.SumClasses(f.mul(f.Op("Exp", []string{z.others}), s.others))
		return []string{f.Scale(chosen, -1), f.Scale(others, -t*t*f.Value("gamma"))}
	},
})
