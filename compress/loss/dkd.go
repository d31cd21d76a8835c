// SPDX-License-Identifier: Apache-2.0

package loss

// dkd is decoupled distillation (Zhao et al. 2022, arXiv:2203.08679). With y the
// class the teacher chooses, b = (p[y], 1-p[y]) and q the softmax over the other
// classes, all at temperature T,
//
//	L = T^2 * (alpha * KL(b_t || b_s) + beta * KL(q_t || q_s))
//
// a sample. kd is the case beta = 1 - p_t[y]: it listens least to the other
// classes where the teacher is sure. The paper takes the true class for y, which
// a teacher's choice replaces here, and beta = 8 beside a cross-entropy with labels
// on 100 classes; with nothing else in the objective that much drowns the chosen
// class (docs/methods.md has figures). log(1-p[y]) is taken as the difference of
// log p and log q at any other class, which stays exact where p[y] rounds to 1.
var _ = register(Loss{
	Name:    "dkd",
	Summary: "kd with the chosen class and the others weighed apart",
	Params: []Param{
		temperature(4),
		{Name: "alpha", Default: 1, Max: 1000, Doc: "weight of the chosen class"},
		{Name: "beta", Default: 1, Max: 1000, Doc: "weight of the other classes"},
	},
	Append: func(f *Fragment) []string {
		t, hot := f.Value("temperature"), f.Target(TeacherChoice)
		s := f.decouple(f.Scale(f.Student, 1/t), hot)
		z := f.decouple(f.Scale(f.Target(TeacherLogits), 1/t), hot)
		part := func(target, student string) string {
			return f.Op("Mul", []string{f.Op("Exp", []string{target}), f.Op("Sub", []string{target, student})})
		}
		chosen := f.Op("Add", []string{part(z.hit, s.hit), part(z.miss, s.miss)})
		others := f.SumClasses(part(z.others, s.others))
		return []string{f.Scale(chosen, t*t*f.Value("alpha")), f.Scale(others, t*t*f.Value("beta"))}
	},
})

// decoupled are log p[y] and log(1-p[y]), [N], and log q, [N, classes], very
// negative at y.
type decoupled struct{ hit, miss, others string }

// masked is what keeps the chosen class out of the others' softmax.
const masked = 1e5

func (f *Fragment) decouple(z, hot string) decoupled {
	p := f.LogSoftmax(z)
	q := f.LogSoftmax(f.Op("Sub", []string{z, f.Scale(hot, masked)}))
	others := f.Scale(f.Offset(f.Scale(hot, -1), 1), 1/float64(max(f.Classes-1, 1)))
	return decoupled{
		hit:    f.SumClasses(f.Op("Mul", []string{p, hot})),
		miss:   f.SumClasses(f.Op("Mul", []string{f.Op("Sub", []string{p, q}), others})),
		others: q,
	}
}
