// SPDX-License-Identifier: Apache-2.0

package loss

import (
	"math"

	"github.com/kdcompress/kdcompress/onnx"
)

// vid is variational information distillation (Ahn et al. 2019,
// arXiv:1904.05835): the teacher's features as a Gaussian around what a projector
// mu makes of the student's,
//
//	L = mean ((mu(f_s) - f_t)^2 / v + log v) / 2,  v = log(1 + e^a) + 1e-5
//
// with a trained number a for every channel, which begins at v = 5. mu is three
// 1x1 convolutions without bias and two ReLUs; linear layers between vectors. It
// is a likelihood and not 0 where the features agree.
var _ = register(Loss{
	Name:    "vid",
	Summary: "likelihood of the teacher's features given the student's",
	Family:  Feature,
	Place:   Stages,
	Params:  []Param{weight(1)},
	Check:   sameSize,
	Append: func(f *Fragment) []string {
		return f.eachPair(func(p Pair) string {
			mean, c := p.Student, p.TeacherShape[0]
			in := p.StudentShape[0]
			for i := range 3 {
				if i > 0 {
					mean = f.Op("Relu", []string{mean})
				}
				if p.Map() {
					mean = f.conv(mean, in, c, 1, 1)
				} else {
					mean = f.Op("Gemm", []string{mean, f.Weight("linear", math.Sqrt(2/float64(in)), int64(c), int64(in))}, onnx.Int("transB", 1))
				}
				in = c
			}
			dims := []int64{int64(c)}
			if p.Map() {
				dims = []int64{int64(c), 1, 1}
			}
			a := f.constantWeight("variance", float32(math.Log(math.Exp(5-1e-5)-1)), dims...)
			v := f.Offset(f.Op("Softplus", []string{a}), 1e-5)
			gap := f.Op("Div", []string{f.square(f.sub(mean, p.Teacher)), v})
			nll := f.Op("Add", []string{gap, f.Op("Log", []string{v})})
			return f.Scale(f.SumClasses(f.rows(nll, p.TeacherShape)), 0.5*f.Value("weight")/float64(Size(p.TeacherShape)))
		})
	},
})
