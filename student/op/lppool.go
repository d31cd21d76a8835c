// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"math"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// LpPool takes the p-norm under a window in every plane of X[N, C, spatial...]:
// the p-th root of the sum of the p-th powers of the magnitudes. Its gradient is
// zero where the norm is.
//
// https://onnx.ai/onnx/operators/onnx__LpPool.html
// Opset 2 made p an integer, 18 brought ceil_mode and dilations; others only changed
// defaults' wording and types.
var _ = register(Op{
	Name: "LpPool", Since: 2,
	Bind32: bindLpPool[float32], Bind64: bindLpPool[float64],
	Cases: poolCases(false,
		Case{Name: "p is 3", Attrs: []onnx.Attr{onnx.Ints("kernel_shape", 2, 2), onnx.Int("p", 3)}, In: []Arg{{Shape: []int{5, 2, 4, 5}}}},
		Case{Name: "p is 1", Attrs: []onnx.Attr{onnx.Ints("kernel_shape", 2, 2), onnx.Int("p", 1)}, In: []Arg{{Shape: []int{5, 2, 4, 5}, Avoid: []float64{0}}}},
		Case{Name: "dilated", Attrs: []onnx.Attr{onnx.Ints("kernel_shape", 2, 3), onnx.Ints("dilations", 2, 2), onnx.Ints("pads", 1, 1, 1, 1)},
			In: []Arg{{Shape: []int{5, 2, 7, 8}}}}),
})

func bindLpPool[T kernel.Float](n *Node) (*Kernel[T], error) {
	g, err := n.newPool()
	if err != nil {
		return nil, err
	}
	p, err := n.normOrder()
	if err != nil {
		return nil, err
	}
	taps := g.w.Taps()
	k := result[T](n, g.shape, g.batched)
	k.Scratch = taps * g.outLen
	k.ReadsIn, k.ReadsOut = []int{0}, []int{0}
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		patches := f.Scratch[:taps*g.outLen]
		for i := range g.planes.of(f.N) {
			kernel.Im2col(patches, f.In[0][i*g.inLen:(i+1)*g.inLen], 1, g.w)
			y := f.Out[0][i*g.outLen : (i+1)*g.outLen]
			clear(y)
			for j, v := range patches {
				y[j%g.outLen] += power(v, p)
			}
			for j, v := range y {
				y[j] = T(math.Pow(float64(v), 1/float64(p)))
			}
		}
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		if f.DIn[0] == nil {
			return
		}
		patches := f.Scratch[:taps*g.outLen]
		for i := range g.planes.of(f.N) {
			kernel.Im2col(patches, f.In[0][i*g.inLen:(i+1)*g.inLen], 1, g.w)
			y, dy := f.Out[0][i*g.outLen:(i+1)*g.outLen], f.DOut[0][i*g.outLen:(i+1)*g.outLen]
			for j, v := range patches {
				patches[j] = dy[j%g.outLen] * normSlope(v, y[j%g.outLen], p)
			}
			kernel.Col2im(f.DIn[0][i*g.inLen:(i+1)*g.inLen], patches, 1, g.w)
		}
	}}
	return k, nil
}

// normOrder reads the attribute p.
func (n *Node) normOrder() (int, error) {
	p := int(n.Int("p", 2))
	if p < 1 {
		return 0, fmt.Errorf("p is %d, wants a positive number", p)
	}
	return p, nil
}

// power is |v| to the power of p.
func power[T kernel.Float](v T, p int) T {
	switch p {
	case 1:
		return T(math.Abs(float64(v)))
	case 2:
		return v * v
	}
	return T(math.Pow(math.Abs(float64(v)), float64(p)))
}

// normSlope is the derivative of the p-norm y with respect to its element v.
func normSlope[T kernel.Float](v, y T, p int) T {
	if y == 0 {
		return 0
	}
	s := power(v/y, p-1)
	if p == 1 {
		s = 1
	}
	switch {
	case v < 0:
		return -s
	case v == 0:
		return 0
	}
	return s
}
