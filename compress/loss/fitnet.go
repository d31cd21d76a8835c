// SPDX-License-Identifier: Apache-2.0

package loss

import (
	"fmt"
	"math"

	"github.com/kdcompress/kdcompress/onnx"
)

// fitnet is the hint of FitNets (Romero et al. 2015, arXiv:1412.6550): the mean
// over all elements of
//
//	(r(f_s) - f_t)^2
//
// where r is a trained projector that is cut off at the end: a convolution with
// BatchNorm (and a ReLU where the teacher's map has one before it), 1x1 between
// maps of one size, 3x3 with stride 2 from a map twice as large, a transposed 4x4
// to one twice as large; between vectors a linear layer. The projector and the
// weight 100 are those of Tian et al. 2020 (RepDistiller).
var _ = register(Loss{
	Name:    "fitnet",
	Summary: "squared difference of projected features",
	Family:  Feature,
	Place:   Hint,
	Params:  []Param{weight(100)},
	Check: func(p Pair) error {
		if !p.Map() {
			return vectors(p)
		}
		s, t := p.StudentShape, p.TeacherShape
		switch {
		case s[1] == t[1] && s[2] == t[2], s[1] == 2*t[1] && s[2] == 2*t[2], 2*s[1] == t[1] && 2*s[2] == t[2]:
			return nil
		}
		return fmt.Errorf("maps of %dx%d and %dx%d are neither of one size nor one twice the other", s[1], s[2], t[1], t[2])
	},
	Append: func(f *Fragment) []string {
		return f.eachPair(func(p Pair) string {
			return f.Scale(f.meanSquare(f.hint(p), p.Teacher, p.TeacherShape), f.Value("weight"))
		})
	},
})

// hint projects the student's features to the teacher's shape.
func (f *Fragment) hint(p Pair) string {
	s, t := p.StudentShape, p.TeacherShape
	x := p.Student
	switch {
	case !p.Map():
		x = f.linear(x, s[0], t[0])
	case s[1] == t[1]:
		x = f.batchNorm(f.conv(x, s[0], t[0], 1, 1), t[0])
	case s[1] == 2*t[1]:
		x = f.batchNorm(f.conv(x, s[0], t[0], 3, 2), t[0])
	default:
		w := f.Weight("upconv", math.Sqrt(2/float64(s[0]*4)), int64(s[0]), int64(t[0]), 4, 4)
		x = f.batchNorm(f.Op("ConvTranspose", []string{x, w}, onnx.Ints("kernel_shape", 4, 4), onnx.Ints("strides", 2, 2), onnx.Ints("pads", 1, 1, 1, 1)), t[0])
	}
	if p.Rectified {
		x = f.Op("Relu", []string{x})
	}
	return x
}
