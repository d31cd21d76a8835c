// SPDX-License-Identifier: Apache-2.0

package loss

// huber is squared near zero and linear beyond delta (Huber 1964, "Robust
// estimation of a location parameter", Ann. Math. Statist. 35):
//
//	L = mean_c h(y_s[c] - y_t[c]),  h(d) = d^2/2 for |d| <= delta, else delta (|d| - delta/2)
//
// a sample. It is written with m = min(|d|, delta) as m (|d| - m/2). With delta 1
// it is the smooth L1 loss.
var _ = register(Loss{
	Name:    "huber",
	Summary: "squared error, linear beyond delta, for regression with outliers",
	Params:  []Param{{Name: "delta", Default: 1, Min: 1e-6, Max: 1e6, Doc: "where squared becomes linear"}},
	For:     anything,
	Append: func(f *Fragment) []string {
		d := f.Op("Abs", []string{f.Op("Sub", []string{f.Student, f.Target(TeacherLogits)})})
		m := f.Op("Min", []string{d, f.Float32("delta", nil, []float32{float32(f.Value("delta"))})})
		h := f.Op("Mul", []string{m, f.Op("Sub", []string{d, f.Scale(m, 0.5)})})
		return []string{f.Scale(f.SumClasses(h), 1/float64(f.Classes))}
	},
})
