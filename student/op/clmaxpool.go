// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// MaxPool of ChannelsLast takes the maximum under a window in every channel of
// X[N, H, W, C], as MaxPool of ai.onnx does of X[N, C, H, W].
var _ = register(Op{
	Name: "MaxPool", Domain: ChannelsLast, Since: 1,
	Bind32: bindLastMaxPool[float32], Bind64: bindLastMaxPool[float64],
	Cases: lastPoolCases(true),
})

func bindLastMaxPool[T kernel.Float](n *Node) (*Kernel[T], error) {
	p, w, err := n.newLastPool()
	if err != nil {
		return nil, err
	}
	return lastMax[T](n, p, w), nil
}

// lastMax is the kernel of maxima under a window.
func lastMax[T kernel.Float](n *Node, p *pictures, w *kernel.Window) *Kernel[T] {
	m := kernel.NewMaxLast[T](w, p.channels)
	shape := []int{n.In[0].Shape[0], w.Out[0], w.Out[1], p.channels}
	size := Len(shape[1:])
	k := result[T](n, shape, p.batched)
	keep := n.In[0].Grad
	if keep {
		k.Saved = (Len(shape) + n.Batch - 1) / n.Batch // the winner of every window
	}
	if m.Covers() {
		k.Sets = []int{0}
	}
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		for i := range p.images.of(f.N) {
			var arg []T
			if keep {
				arg = f.Saved[i*size : (i+1)*size]
			}
			m.Forward(f.Out[0][i*size:(i+1)*size], arg, f.In[0][i*p.size:(i+1)*p.size])
		}
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		if f.DIn[0] == nil {
			return
		}
		for i := range p.images.of(f.N) {
			m.Grad(f.DIn[0][i*p.size:(i+1)*p.size], f.DOut[0][i*size:(i+1)*size], f.Saved[i*size:(i+1)*size], !f.Fresh[0])
		}
	}}
	return k
}

// newLastPool reads the geometry of a pooling operator on images whose channels come
// last.
func (n *Node) newLastPool() (*pictures, *kernel.Window, error) {
	if err := n.arity(1, 1, 1); err != nil {
		return nil, nil, err
	}
	p, err := n.newPictures(0)
	if err != nil {
		return nil, nil, err
	}
	taps := n.Ints("kernel_shape", nil)
	w, err := n.window([]int{p.height, p.width}, taps)
	return p, w, err
}

// lastPoolCases are the geometries that both pooling operators are checked in beside
// those of their twins.
func lastPoolCases(distinct bool, more ...Case) []Case {
	in := func(shape ...int) []Arg { return []Arg{{Shape: shape, Distinct: distinct}} }
	taps, two := onnx.Ints("kernel_shape", 3, 3), onnx.Ints("strides", 2, 2)
	cases := append(channelsLastCases(append(poolCases(distinct), more...)),
		Case{Name: "many channels", Attrs: []onnx.Attr{taps, two, onnx.Ints("pads", 1, 1, 1, 1)}, In: in(5, 6, 5, 35)},
		Case{Name: "many channels, apart", Attrs: []onnx.Attr{onnx.Ints("kernel_shape", 2, 2), two}, In: in(5, 4, 6, 20)},
		Case{Name: "gaps", Attrs: []onnx.Attr{onnx.Ints("kernel_shape", 1, 2), onnx.Ints("strides", 2, 3)}, In: in(5, 5, 6, 4)})
	for i := range cases {
		cases[i].NoRuntime = noRuntimeLast
	}
	return cases
}
