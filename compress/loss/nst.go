// SPDX-License-Identifier: Apache-2.0

package loss

import "github.com/kdcompress/kdcompress/onnx"

// nst is neuron selectivity transfer (Huang & Wang 2017, arXiv:1707.01219): the
// channels of a sample's map, each flattened and divided by its norm, are taken
// for draws of a distribution, and the two distributions are compared by their
// maximum mean discrepancy under the kernel k(x, y) = (x.y)^2,
//
//	L = mean k(s, s') + mean k(t, t') - 2 mean k(s, t)
//
// a sample. Since k is the product of x x' and y y', that is the squared distance
// of the mean of s s' and the mean of t t', which is what is computed. The
// published weight is 50.
var _ = register(Loss{
	Name:    "nst",
	Summary: "distribution of the channels' patterns",
	Family:  Relation,
	Place:   LastMap,
	Params:  []Param{weight(50)},
	Check:   maps,
	Append: func(f *Fragment) []string {
		return f.eachPair(func(p Pair) string {
			s, t, h, w := f.alike(p)
			patterns := func(x string, c int) string {
				x = f.reshape(x, 0, int64(c), int64(h*w))
				norm := f.Op("Sqrt", []string{f.atLeast(f.sum(f.square(x), 2, 1), 1e-24)})
				x = f.Op("Div", []string{x, norm})
				turned := f.Op("Transpose", []string{x}, onnx.Ints("perm", 0, 2, 1))
				return f.Scale(f.Op("MatMul", []string{turned, x}), 1/float64(c))
			}
			gap := f.square(f.sub(patterns(s, p.StudentShape[0]), patterns(t, p.TeacherShape[0])))
			return f.Scale(f.SumClasses(f.rows(gap, make([]int, 2))), f.Value("weight"))
		})
	},
})
