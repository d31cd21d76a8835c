// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// MeanVarianceNormalization brings X to mean zero and deviation one over axes, which
// are 0, 2 and 3 if not given: over the batch and all positions of every channel.
//
//	Y = (X - mean) / d,  d = s + 1e-9,  s = √var
//	dX = (dY - mean(dY)) / d - Y * mean(dY * Y) / s
//
// The variance has divisor n, the number of values. Where all of them are the same
// the gradient is taken to be zero.
//
// https://onnx.ai/onnx/operators/onnx__MeanVarianceNormalization.html
// Since opset 9; 13 only added types.
var _ = register(Op{
	Name: "MeanVarianceNormalization", Since: 9,
	Bind32: bindMeanVarianceNormalization[float32], Bind64: bindMeanVarianceNormalization[float64],
	Cases: []Case{
		{Name: "channels", In: []Arg{{Shape: []int{5, 3, 2, 4}}}},
		{Name: "oldest opset", Opset: 9, In: []Arg{{Shape: []int{5, 3, 2, 4}}}},
		{Name: "images", Attrs: []onnx.Attr{onnx.Ints("axes", 1, 2, 3)}, In: []Arg{{Shape: []int{5, 3, 2, 4}}}, NoRuntime: "the runtime knows two choices of axes"},
		{Name: "planes", Attrs: []onnx.Attr{onnx.Ints("axes", -1, -2)}, In: []Arg{{Shape: []int{5, 3, 2, 4}}}, NoRuntime: "the runtime knows two choices of axes"},
		{Name: "everything", Attrs: []onnx.Attr{onnx.Ints("axes", 0, 1, 2, 3)}, In: []Arg{{Shape: []int{5, 3, 2, 4}}}},
		{Name: "two images a sample", Attrs: []onnx.Attr{onnx.Ints("axes", 1)}, In: []Arg{{Shape: []int{10, 3}}}, NoRuntime: "the runtime knows two choices of axes"},
		{Name: "weights", In: []Arg{{Shape: []int{2, 3, 2, 2}, Shared: true}}},
	},
})

func bindMeanVarianceNormalization[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(1, 1, 1); err != nil {
		return nil, err
	}
	x := &n.In[0]
	over, err := axes(n.Ints("axes", []int64{0, 2, 3}), len(x.Shape))
	if err != nil {
		return nil, err
	}
	ones, values := append([]int{}, x.Shape...), 1
	for _, a := range over {
		values *= x.Shape[a]
		ones[a] = 1
	}
	batched := x.Batched && len(over) > 0 && over[0] > 0
	m := &momentNorm[T]{values: T(values), size: n.count(Len(ones), batched)}
	if m.walk, err = n.newWalk(x.Shape, x.Shape, ones, batched); err != nil {
		return nil, err
	}
	k := result[T](n, x.Shape, batched)
	k.ReadsIn, k.ReadsOut = []int{0}, []int{0}
	k.Scratch, k.ScratchPer = 4*m.size.fixed, 4*m.size.per
	k.Forward = []Phase[T]{m.forward}
	k.Backward = []Phase[T]{m.backward}
	return k, nil
}

// momentNorm is a bound MeanVarianceNormalization: a walk over the input, beside
// itself and the means.
type momentNorm[T kernel.Float] struct {
	walk   *walk
	values T     // that share a mean
	size   count // means
}

// moments sets means and deviations to those of x.
func (m *momentNorm[T]) moments(mean, deviation, x []T, samples int) {
	clear(mean)
	for r := m.walk.start(samples); r.next(); {
		addTo(mean[r.b:r.b+r.lenB], x[r.o:r.o+r.len], 1)
	}
	for i := range mean {
		mean[i] /= m.values
	}
	clear(deviation)
	for r := m.walk.start(samples); r.next(); {
		mu, s, run := mean[r.b:r.b+r.lenB], deviation[r.b:r.b+r.lenB], x[r.o:r.o+r.len]
		step := stride(mu, run)
		for i, v := range run {
			d := v - mu[i*step]
			s[i*step] += d * d
		}
	}
	for i, v := range deviation {
		deviation[i] = T(math.Sqrt(float64(v / m.values)))
	}
}

const deviationFloor = 1e-9

func (m *momentNorm[T]) forward(f *Frame[T]) {
	size := m.size.of(f.N)
	mean, deviation := f.Scratch[:size], f.Scratch[size:2*size]
	m.moments(mean, deviation, f.In[0], f.N)
	for r := m.walk.start(f.N); r.next(); {
		x, y := f.In[0][r.o:r.o+r.len], f.Out[0][r.o:r.o+r.len]
		mu, s := mean[r.b:r.b+r.lenB], deviation[r.b:r.b+r.lenB]
		step := stride(mu, x)
		for i, v := range x {
			y[i] = (v - mu[i*step]) / (s[i*step] + deviationFloor)
		}
	}
}

func (m *momentNorm[T]) backward(f *Frame[T]) {
	if f.DIn[0] == nil {
		return
	}
	size := m.size.of(f.N)
	deviation, sum, product := f.Scratch[size:2*size], f.Scratch[2*size:3*size], f.Scratch[3*size:4*size]
	m.moments(f.Scratch[:size], deviation, f.In[0], f.N)
	clear(sum)
	clear(product)
	for r := m.walk.start(f.N); r.next(); {
		y, dy := f.Out[0][r.o:r.o+r.len], f.DOut[0][r.o:r.o+r.len]
		u, v := sum[r.b:r.b+r.lenB], product[r.b:r.b+r.lenB]
		step := stride(u, y)
		for i, d := range dy {
			u[i*step] += d
			v[i*step] += d * y[i]
		}
	}
	for r := m.walk.start(f.N); r.next(); {
		y, dy, dx := f.Out[0][r.o:r.o+r.len], f.DOut[0][r.o:r.o+r.len], f.DIn[0][r.o:r.o+r.len]
		u, v, s := sum[r.b:r.b+r.lenB], product[r.b:r.b+r.lenB], deviation[r.b:r.b+r.lenB]
		step := stride(u, y)
		for i, d := range dy {
			j := i * step
			if s[j] == 0 {
				continue
			}
			dx[i] += (d-u[j]/m.values)/(s[j]+deviationFloor) - y[i]*v[j]/m.values/s[j]
		}
	}
}
