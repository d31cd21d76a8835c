// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"math"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// LpNormalization: Y = X / |X|, the norm of order p along an axis: the sum of the
// absolute values for p = 1, the root of the sum of the squares for p = 2. Where it
// is zero Y and the gradient are zero.
//
//	dX = (dY - sign(X) * Σ dY * Y) / |X|, p = 1
//	dX = (dY - Y * Σ dY * Y) / |X|, p = 2
//
// https://onnx.ai/onnx/operators/onnx__LpNormalization.html
// Since opset 1; 22 only added types.
var _ = register(Op{
	Name: "LpNormalization", Since: 1,
	Bind32: bindLpNormalization[float32], Bind64: bindLpNormalization[float64],
	Cases: []Case{
		{Name: "features", In: []Arg{{Shape: []int{5, 9}}}},
		{Name: "oldest opset", Opset: 7, In: []Arg{{Shape: []int{5, 9}}}},
		{Name: "channels", Attrs: along(1), In: []Arg{{Shape: []int{5, 3, 4, 2}}}},
		{Name: "order 1", Attrs: append(along(1), onnx.Int("p", 1)), In: []Arg{{Shape: []int{5, 3, 4}, Avoid: []float64{0}}}},
		{Name: "order 1, last axis", Attrs: []onnx.Attr{onnx.Int("p", 1)}, In: []Arg{{Shape: []int{5, 7}, Avoid: []float64{0}}}},
		{Name: "over the batch", Attrs: along(0), In: []Arg{{Shape: []int{5, 3}}}},
		{Name: "two images a sample", In: []Arg{{Shape: []int{10, 3}}}},
		{Name: "zeros", In: []Arg{{Shape: []int{2, 2}, Shared: true, Floats: []float64{0, 0, 3, 4}}}, ForwardOnly: true},
		{Name: "weights", In: []Arg{{Shape: []int{3, 4}, Shared: true}}},
	},
})

func bindLpNormalization[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(1, 1, 1); err != nil {
		return nil, err
	}
	x, p := &n.In[0], n.Int("p", 2)
	if p != 1 && p != 2 {
		return nil, fmt.Errorf("p is %d, wants 1 or 2", p)
	}
	at, err := axis(n.Int("axis", -1), len(x.Shape))
	if err != nil {
		return nil, err
	}
	batched := x.Batched && at > 0
	l := n.newLines(x.Shape, at, batched)
	k := result[T](n, x.Shape, batched)
	k.ReadsIn, k.ReadsOut = []int{0}, []int{0}
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		for i := range l.of(f.N) {
			o := l.start(i)
			x, y := f.In[0][o:], f.Out[0][o:]
			scale := inverseNorm(x, l, p)
			for j := range l.size {
				y[j*l.inner] = T(float64(x[j*l.inner]) * scale)
			}
		}
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		if f.DIn[0] == nil {
			return
		}
		for i := range l.of(f.N) {
			o := l.start(i)
			x, y, dx, dy := f.In[0][o:], f.Out[0][o:], f.DIn[0][o:], f.DOut[0][o:]
			scale := inverseNorm(x, l, p)
			var along float64
			for j := range l.size {
				along += float64(dy[j*l.inner]) * float64(y[j*l.inner])
			}
			for j := range l.size {
				direction := float64(y[j*l.inner])
				if p == 1 {
					direction = sign(float64(x[j*l.inner]))
				}
				dx[j*l.inner] += T((float64(dy[j*l.inner]) - direction*along) * scale)
			}
		}
	}}
	return k, nil
}

// inverseNorm is one over the norm of the line that x begins with, zero where that is
// zero.
func inverseNorm[T kernel.Float](x []T, l lines, p int64) float64 {
	var s float64
	for j := range l.size {
		v := float64(x[j*l.inner])
		if p == 1 {
			s += math.Abs(v)
		} else {
			s += v * v
		}
	}
	if s == 0 {
		return 0
	}
	if p == 2 {
		s = math.Sqrt(s)
	}
	return 1 / s
}
