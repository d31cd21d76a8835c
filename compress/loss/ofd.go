// SPDX-License-Identifier: Apache-2.0

package loss

import "github.com/kdcompress/kdcompress/onnx"

// ofd is the overhaul of feature distillation (Heo et al. 2019,
// arXiv:1904.01866). Before the ReLU, with t' = max(t, m) for the mean m of a
// channel's negative values,
//
//	L = sum (r(f_s) - t')^2 where r(f_s) > t' or t > 0, else 0
//
// a sample; of n pairs, pair i from 0 counts 2^-(n-1-i). r is a 1x1 convolution
// with BatchNorm, cut off at the end. The margins are measured on samples, since
// exporters fold away the BatchNorm that the paper computes them from. The
// published weight is 1/1000.
var _ = register(Loss{
	Name:    "ofd",
	Summary: "squared difference of features before the ReLU, where the teacher's matter",
	Family:  Feature,
	Place:   Preactivations,
	Params:  []Param{weight(1e-3)},
	Check:   sameSize,
	Append: func(f *Fragment) []string {
		n, i := len(f.Pairs), -1
		return f.eachPair(func(p Pair) string {
			i++
			c := p.TeacherShape[0]
			dims := []int64{int64(c)}
			var s string
			if p.Map() {
				dims = []int64{int64(c), 1, 1}
				s = f.batchNorm(f.conv(p.Student, p.StudentShape[0], c, 1, 1), c)
			} else {
				s = f.linear(p.Student, p.StudentShape[0], c)
			}
			margin := p.Margin
			if margin == nil {
				margin = make([]float32, c)
			}
			t := f.Op("Max", []string{p.Teacher, f.Float32("margin", dims, margin)})
			above := f.Op("Greater", []string{s, t})
			active := f.Op("Greater", []string{p.Teacher, f.Float32("zero", nil, []float32{0})})
			mask := f.Op("Cast", []string{f.Op("Or", []string{above, active})}, onnx.Int("to", int64(onnx.Float32)))
			gap := f.mul(f.square(f.sub(s, t)), mask)
			return f.Scale(f.SumClasses(f.rows(gap, p.TeacherShape)), f.Value("weight")/float64(int(1)<<(n-1-i)))
		})
	},
})
