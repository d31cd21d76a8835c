// SPDX-License-Identifier: Apache-2.0

package loss

// kd is the distillation loss of Hinton, Vinyals & Dean 2015 (arXiv:1503.02531):
// with p = softmax(z/T),
//
//	L = T^2 * sum_c p_t[c] * (log p_t[c] - log p_s[c])
//
// a sample: the Kullback-Leibler divergence of the student's softened
// distribution from the teacher's. The sum runs over classes and the engine
// takes the mean over samples ("batchmean"). T^2 keeps the size of the gradient,
// T*(p_s - p_t)/N with respect to the student's logits, comparable from one
// temperature to the next.
var _ = register(Loss{
	Name:    "kd",
	Summary: "KL divergence of softened distributions, times T squared",
	Params:  []Param{temperature(4)},
	Append: func(f *Fragment) []string {
		return []string{f.divergence(f.Student, f.Target(TeacherLogits), f.Value("temperature"))}
	},
})

// divergence is T^2 * KL(softmax(target/T) || softmax(student/T)) a sample.
func (f *Fragment) divergence(student, target string, t float64) string {
	student, target = f.Scale(student, 1/t), f.Scale(target, 1/t)
	gap := f.Op("Sub", []string{f.LogSoftmax(target), f.LogSoftmax(student)})
	return f.Scale(f.SumClasses(f.Op("Mul", []string{f.Softmax(target), gap})), t*t)
}
