// SPDX-License-Identifier: Apache-2.0

package loss

import "github.com/kdcompress/kdcompress/onnx"

// reviewkd is knowledge review (Chen et al. 2021, arXiv:2104.09044): from the
// deepest map to the shallowest, the student's features are fused with what the
// deeper ones left (attention-based fusion) and compared with the teacher's of
// that stage at several sizes,
//
//	L = (mse + mse@4x4 / 2 + mse@2x2 / 4 + mse@1x1 / 8) / (1 + 1/2 + 1/4 + 1/8)
//
// (hierarchical context loss; sizes that are not below the map's are left out),
// summed over the stages. The fusion is cut off at the end. Published weights are
// 1 to 8, reached over the first epochs.
var _ = register(Loss{
	Name:    "reviewkd",
	Summary: "features of all stages, each reviewed with the deeper ones",
	Family:  Feature,
	Place:   Stages,
	Params:  []Param{weight(1)},
	Check:   maps,
	Append: func(f *Fragment) []string {
		deepest := f.Pairs[len(f.Pairs)-1].StudentShape[0]
		mid := min(512, deepest)
		var losses []string
		var residual string
		var shape []int
		for i := len(f.Pairs) - 1; i >= 0; i-- {
			p := f.Pairs[i]
			s, t := p.StudentShape, p.TeacherShape
			x := f.batchNorm(f.conv(p.Student, s[0], mid, 1, 1), mid)
			if residual != "" {
				x = f.fuse(x, f.nearest(residual, shape, s[1], s[2]), mid)
			}
			shape = []int{mid, t[1], t[2]}
			residual = f.nearest(x, []int{mid, s[1], s[2]}, t[1], t[2])
			out := f.batchNorm(f.conv(residual, mid, t[0], 3, 1), t[0])
			losses = append(losses, f.Scale(f.contexts(out, p.Teacher, t), f.Value("weight")))
		}
		return losses
	},
})

// fuse weighs two maps of c channels by what a 1x1 convolution of both gives at
// every position.
func (f *Fragment) fuse(x, y string, c int) string {
	both := f.Op("Concat", []string{x, y}, onnx.Int("axis", 1))
	gate := f.conv(both, 2*c, 2, 1, 1)
	gate = f.Op("Sigmoid", []string{f.Op("Add", []string{gate, f.constantWeight("gate", 0, 2, 1, 1)})})
	gates := f.OpMulti("Split", "Split", f.halves(gate), 2, f.splitAxis()...)
	return f.Op("Add", []string{f.mul(x, gates[0]), f.mul(y, gates[1])})
}

// halves are the operands of a Split into two single channels.
func (f *Fragment) halves(x string) []string {
	if f.Opset < 13 {
		return []string{x}
	}
	return []string{x, f.Int64("split", []int64{2}, []int64{1, 1})}
}

func (f *Fragment) splitAxis() []onnx.Attr {
	if f.Opset < 13 {
		return []onnx.Attr{onnx.Int("axis", 1), onnx.Ints("split", 1, 1)}
	}
	return []onnx.Attr{onnx.Int("axis", 1)}
}

// contexts is the hierarchical context loss, [N].
func (f *Fragment) contexts(s, t string, shape []int) string {
	sum, weight, total := f.meanSquare(s, t, shape), 1.0, 1.0
	for _, size := range []int{4, 2, 1} {
		if size >= shape[1] || size >= shape[2] {
			continue
		}
		weight /= 2
		total += weight
		small := []int{shape[0], size, size}
		sum = f.Op("Add", []string{sum, f.Scale(f.meanSquare(f.pooled(s, shape, size, size), f.pooled(t, shape, size, size), small), weight)})
	}
	return f.Scale(sum, 1/total)
}
