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
	Params: []Param{
		{Name: "temperature", Default: 4, Min: 0.01, Max: 1000, Doc: "softens both distributions"},
	},
	Append: func(f *Fragment) string {
		t := f.Value("temperature")
		student := f.LogSoftmax(f.Scale(f.Student, 1/t))
		target := f.Scale(f.Target, 1/t)
		gap := f.Op("Sub", []string{f.LogSoftmax(target), student})
		return f.Scale(f.SumClasses(f.Op("Mul", []string{f.Softmax(target), gap})), t*t)
	},
})
