// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// DepthwiseConv of ChannelsLast is Conv with as many groups as there are channels:
// images X[N, H, W, C], one kernel for each channel in W[C, 1, kh, kw], and a bias B[C]
// for every position of Y[N, H', W', C]. It has the attributes of Conv.
var _ = register(Op{
	Name: "DepthwiseConv", Domain: ChannelsLast, Since: 1,
	Bind32: bindLastDepthwise[float32], Bind64: bindLastDepthwise[float64],
	Cases: lastDepthwiseCases(),
})

// lastDepthwise is a bound DepthwiseConv.
type lastDepthwise[T kernel.Float] struct {
	*kernel.DepthwiseLast[T]
	pictures
	outSize int // elements of an output image
	shards  []lastKernels[T]
}

// lastKernels are what a shard has of the kernels: a copy in the order of the loops,
// made with its first slice, and sums of gradients, which its last slice hands over.
type lastKernels[T kernel.Float] struct {
	packed, sums, bias []T
}

func bindLastDepthwise[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(2, 3, 1); err != nil {
		return nil, err
	}
	p, err := n.newPictures(0)
	if err != nil {
		return nil, err
	}
	s, c := n.In[1].Shape, p.channels
	if len(s) != 4 || s[0] != c || s[1] != 1 {
		return nil, fmt.Errorf("kernels of shape %v for %d channels; one for each is wanted", s, c)
	}
	if n.Has(2) && (len(n.In[2].Shape) != 1 || n.In[2].Shape[0] != c) {
		return nil, fmt.Errorf("bias of shape %v for %d channels", n.In[2].Shape, c)
	}
	w, err := n.window([]int{p.height, p.width}, []int64{int64(s[2]), int64(s[3])})
	if err != nil {
		return nil, err
	}
	batched := p.batched && !n.In[1].Batched && !(n.Has(2) && n.In[2].Batched)
	p.images = n.count(n.In[0].Shape[0], batched)
	d := &lastDepthwise[T]{kernel.NewDepthwiseLast[T](w, c), *p, w.OutLen() * c, make([]lastKernels[T], max(n.Shards, 1))}
	for i := range d.shards {
		k := &d.shards[i]
		k.packed = make([]T, d.Packed())
		if n.In[1].Grad {
			k.sums = make([]T, d.Packed())
		}
		if n.Has(2) && n.In[2].Grad {
			k.bias = make([]T, c)
		}
	}
	k := result[T](n, []int{n.In[0].Shape[0], w.Out[0], w.Out[1], c}, batched)
	k.Forward = []Phase[T]{d.forward}
	k.Backward = []Phase[T]{d.backward}
	k.Sets = []int{0}
	k.ReadsIn = []int{1}
	if n.In[1].Grad {
		k.ReadsIn = []int{0, 1}
	}
	return k, nil
}

func (d *lastDepthwise[T]) forward(f *Frame[T]) {
	k := &d.shards[f.Shard]
	if f.First {
		d.Pack(k.packed, f.In[1])
	}
	var bias []T
	if len(f.In) > 2 {
		bias = f.In[2]
	}
	for i := range d.images.of(f.N) {
		d.Forward(f.Out[0][i*d.outSize:(i+1)*d.outSize], f.In[0][i*d.size:(i+1)*d.size], k.packed, bias, f.Ahead)
	}
}

func (d *lastDepthwise[T]) backward(f *Frame[T]) {
	k := &d.shards[f.Shard]
	wantsWeights := f.DIn[1] != nil
	wantsBias := len(f.DIn) > 2 && f.DIn[2] != nil
	if f.First {
		clear(k.sums)
		clear(k.bias)
	}
	for i := range d.images.of(f.N) {
		dy := f.DOut[0][i*d.outSize : (i+1)*d.outSize]
		if wantsBias {
			kernel.SumRows(k.bias, dy)
		}
		if wantsWeights {
			d.Weight(k.sums, f.In[0][i*d.size:(i+1)*d.size], dy, f.Ahead)
		}
		if f.DIn[0] != nil {
			d.Data(f.DIn[0][i*d.size:(i+1)*d.size], dy, k.packed, !f.Fresh[0], f.Ahead)
		}
	}
	if !f.Last {
		return
	}
	if wantsBias {
		kernel.Add(f.DIn[2], k.bias)
	}
	if wantsWeights {
		d.Unpack(f.DIn[1], k.sums)
	}
}

// lastDepthwiseCases are the geometries that DepthwiseConv is checked in.
func lastDepthwiseCases() []Case {
	in := func(bias bool, h, w, c, kh, kw int) []Arg {
		args := []Arg{{Shape: []int{5, h, w, c}}, {Shape: []int{c, 1, kh, kw}}}
		if bias {
			args = append(args, Arg{Shape: []int{c}})
		}
		return args
	}
	same, two := onnx.Ints("pads", 1, 1, 1, 1), onnx.Ints("strides", 2, 2)
	group := func(n int64, more ...onnx.Attr) []onnx.Attr { return append(more, onnx.Int("group", n)) }
	cases := []Case{
		{Name: "3x3", Attrs: group(19, same), In: in(true, 7, 12, 19, 3, 3)},
		{Name: "3x3, full vectors", Attrs: group(32, same), In: in(true, 6, 11, 32, 3, 3)},
		{Name: "no padding", Attrs: group(3), In: in(false, 7, 5, 3, 3, 3)},
		{Name: "stride 2", Attrs: group(20, same, two), In: in(true, 9, 8, 20, 3, 3)},
		{Name: "5x5", Attrs: group(9, onnx.Ints("pads", 2, 2, 2, 2)), In: in(true, 7, 6, 9, 5, 5)},
		{Name: "5x5 stride 2", Attrs: group(5, onnx.Ints("pads", 2, 2, 2, 2), two), In: in(false, 8, 9, 5, 5, 5)},
		{Name: "dilated", Attrs: group(4, onnx.Ints("dilations", 2, 3), onnx.Ints("pads", 2, 3, 2, 3)), In: in(true, 9, 10, 4, 3, 3)},
		{Name: "strides beyond the kernel", Attrs: group(4, onnx.Ints("strides", 3, 2)), In: in(true, 8, 7, 4, 1, 1)},
		{Name: "same upper", Attrs: group(6, onnx.String("auto_pad", "SAME_UPPER"), two), In: in(true, 7, 8, 6, 3, 2)},
		{Name: "kernel of the image's size", Attrs: group(7), In: in(true, 4, 4, 7, 4, 4)},
		{Name: "two images a sample", Attrs: group(3, same), In: []Arg{{Shape: []int{10, 4, 4, 3}}, {Shape: []int{3, 1, 3, 3}}}},
		{Name: "weights only", Attrs: group(2, same), In: []Arg{{Shape: []int{2, 4, 4, 2}, Shared: true}, {Shape: []int{2, 1, 3, 3}}, {Shape: []int{2}}}},
	}
	for i := range cases {
		cases[i].NoRuntime = noRuntimeLast
	}
	return cases
}
