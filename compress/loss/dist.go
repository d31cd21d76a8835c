// SPDX-License-Identifier: Apache-2.0

package loss

// dist is the loss of Huang et al. 2022 (arXiv:2205.10536): with y = softmax(z/T)
// and rho the correlation of Pearson,
//
//	L = T^2 * (beta * mean_b (1 - rho(y_s[b,:], y_t[b,:])) + gamma * mean_c (1 - rho(y_s[:,c], y_t[:,c])))
//
// It asks for the teacher's order of classes within a sample and of samples
// within a class, not for its probabilities. The second term runs over the whole
// batch. A deviation of zero is kept from dividing by 1e-16 under the root, where
// the authors add 1e-8 to the product of norms. T is 1 for many classes, 4 for
// few; the published outer weight is 2.
var _ = register(Loss{
	Name:      "dist",
	Summary:   "correlation of the answers within samples and within classes",
	ScaleFree: true,
	Params: []Param{
		temperature(4),
		{Name: "beta", Default: 1, Max: 1000, Doc: "weight of the correlation within a sample"},
		{Name: "gamma", Default: 1, Max: 1000, Doc: "weight of the correlation within a class"},
	},
	Append: func(f *Fragment) []string {
		t := f.Value("temperature")
		s, target := f.Softmax(f.Scale(f.Student, 1/t)), f.Softmax(f.Scale(f.Target(TeacherLogits), 1/t))
		inter := f.uncorrelated(s, target, 1)
		intra := f.sum(f.uncorrelated(s, target, 0), 0, 0)
		return []string{f.Scale(inter, t*t*f.Value("beta")), f.Scale(intra, t*t*f.Value("gamma")/float64(f.Classes))}
	},
})

// uncorrelated is 1 - rho along an axis, which it removes.
func (f *Fragment) uncorrelated(a, b string, axis int64) string {
	centre := func(x string) string { return f.Op("Sub", []string{x, f.mean(x, axis)}) }
	a, b = centre(a), centre(b)
	norm := func(x string) string {
		return f.Op("Sqrt", []string{f.Offset(f.sum(f.Op("Mul", []string{x, x}), axis, 0), 1e-16)})
	}
	rho := f.Op("Div", []string{f.sum(f.Op("Mul", []string{a, b}), axis, 0), f.Op("Mul", []string{norm(a), norm(b)})})
	return f.Offset(f.Scale(rho, -1), 1)
}
