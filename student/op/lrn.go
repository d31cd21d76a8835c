// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"math"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// LRN divides every element of X[N, C, spatial...] by a power of the squares around
// it, over size channels at its position:
//
//	Y = X / S^beta,  S = bias + alpha/size * Σ X²
//	dX = dY / S^beta - 2 alpha beta/size * X * Σ dY * Y / S
//
// The first sum is over the channels from (size-1)/2 before to size/2 after the
// element's own, rounded down; the second over those whose first sum it is in.
//
// https://onnx.ai/onnx/operators/onnx__LRN.html
// Since opset 1; 13 only added types.
var _ = register(Op{
	Name: "LRN", Since: 1,
	Bind32: bindLRN[float32], Bind64: bindLRN[float64],
	Cases: []Case{
		{Name: "three", Attrs: lrnAttrs(3, 0.5, 0.75, 1), In: []Arg{{Shape: []int{5, 7, 2, 3}}}},
		{Name: "oldest opset", Opset: 7, Attrs: []onnx.Attr{onnx.Int("size", 5)}, In: []Arg{{Shape: []int{5, 7, 2, 3}, Lo: -9, Hi: 9}}},
		{Name: "even size", Attrs: lrnAttrs(4, 0.9, 0.5, 2), In: []Arg{{Shape: []int{5, 7, 2, 3}, Lo: -2, Hi: 2}}, NoRuntime: "the runtime wants an odd size"},
		{Name: "wider than the channels", Attrs: lrnAttrs(9, 1, 0.75, 0.5), In: []Arg{{Shape: []int{5, 3, 2, 2}}}},
		{Name: "one", Attrs: lrnAttrs(1, 1, 1.5, 1), In: []Arg{{Shape: []int{5, 3, 2, 2}}}},
		{Name: "two images a sample", Attrs: lrnAttrs(3, 1, 0.75, 1), In: []Arg{{Shape: []int{10, 4, 2, 1}}}},
		{Name: "weights", Attrs: lrnAttrs(3, 1, 0.75, 1), In: []Arg{{Shape: []int{2, 4, 2, 2}, Shared: true}}},
	},
})

func lrnAttrs(size int64, alpha, beta, bias float32) []onnx.Attr {
	return []onnx.Attr{onnx.Int("size", size), onnx.Float("alpha", alpha), onnx.Float("beta", beta), onnx.Float("bias", bias)}
}

// lrn is a bound LRN.
type lrn[T kernel.Float] struct {
	images          count
	channels, plane int
	before, after   int // channels of the window beside the own
	rate, bias      T   // alpha/size
	beta            float64
}

func bindLRN[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(1, 1, 1); err != nil {
		return nil, err
	}
	x, size := &n.In[0], int(n.Int("size", 0))
	if size < 1 {
		return nil, fmt.Errorf("size is %d, wants one or more", size)
	}
	if len(x.Shape) < 2 {
		return nil, fmt.Errorf("input of shape %v has no channels", x.Shape)
	}
	l := &lrn[T]{images: n.count(x.Shape[0], x.Batched), channels: x.Shape[1], plane: Len(x.Shape[2:]),
		before: (size - 1) / 2, after: size / 2,
		rate: T(float64(n.Float("alpha", 1e-4)) / float64(size)), bias: T(n.Float("bias", 1)), beta: float64(n.Float("beta", 0.75))}
	k := result[T](n, x.Shape, x.Batched)
	k.ReadsIn, k.ReadsOut = []int{0}, []int{0}
	k.Scratch = 2*l.channels*l.plane + l.plane
	k.Forward = []Phase[T]{l.forward}
	k.Backward = []Phase[T]{l.backward}
	return k, nil
}

// sums sets s to bias + alpha/size * Σ x² of an image.
func (l *lrn[T]) sums(s, x []T) {
	kernel.Fill(s, l.bias)
	for c := range l.channels {
		out := s[c*l.plane : (c+1)*l.plane]
		for o := max(c-l.before, 0); o <= min(c+l.after, l.channels-1); o++ {
			for i, v := range x[o*l.plane : (o+1)*l.plane] {
				out[i] += l.rate * v * v
			}
		}
	}
}

// power is s^-beta.
func (l *lrn[T]) power(s T) T {
	if l.beta == 0.75 { // as all published nets have it
		r := math.Sqrt(float64(s))
		return T(1 / (r * math.Sqrt(r)))
	}
	return T(math.Pow(float64(s), -l.beta))
}

func (l *lrn[T]) forward(f *Frame[T]) {
	image := l.channels * l.plane
	s := f.Scratch[:image]
	for i := range l.images.of(f.N) {
		x, y := f.In[0][i*image:(i+1)*image], f.Out[0][i*image:(i+1)*image]
		l.sums(s, x)
		for j, v := range x {
			y[j] = v * l.power(s[j])
		}
	}
}

func (l *lrn[T]) backward(f *Frame[T]) {
	if f.DIn[0] == nil {
		return
	}
	image := l.channels * l.plane
	s, share, sum := f.Scratch[:image], f.Scratch[image:2*image], f.Scratch[2*image:2*image+l.plane]
	for i := range l.images.of(f.N) {
		at, to := i*image, (i+1)*image
		x, y, dx, dy := f.In[0][at:to], f.Out[0][at:to], f.DIn[0][at:to], f.DOut[0][at:to]
		l.sums(s, x)
		for j, d := range dy {
			dx[j] += d * l.power(s[j])
			share[j] = d * y[j] / s[j]
		}
		for c := range l.channels {
			clear(sum)
			for o := max(c-l.after, 0); o <= min(c+l.before, l.channels-1); o++ {
				kernel.Add(sum, share[o*l.plane:(o+1)*l.plane])
			}
			for j, v := range sum {
				dx[c*l.plane+j] -= 2 * l.rate * T(l.beta) * x[c*l.plane+j] * v
			}
		}
	}
}
