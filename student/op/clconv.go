// SPDX-License-Identifier: Apache-2.0

package op

import (
	"errors"
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Conv of ChannelsLast correlates images X[N, H, W, C] with kernels W[M, C, kh, kw],
// which shards share, and adds a bias B[M] to every position of Y[N, H', W', M].
// Kernels W[M, C, kw] have one tap along the height. With the attribute activation =
// "relu", Y = max(that, 0).
var _ = register(Op{
	Name: "Conv", Domain: ChannelsLast, Since: 1,
	Bind32: bindLastConv[float32], Bind64: bindLastConv[float64],
	Cases: lastConvCases(),
})

// lastConv is a bound Conv of ChannelsLast.
type lastConv[T kernel.Float] struct {
	loops  *kernel.ConvLast[T]
	images count
	relu   bool
}

func bindLastConv[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(2, 3, 1); err != nil {
		return nil, err
	}
	p, err := n.newPictures(0)
	if err != nil {
		return nil, err
	}
	weight := &n.In[1]
	if s := len(weight.Shape); s != 3 && s != 4 || weight.Shape[1] != p.channels || weight.Batched || n.Has(2) && n.In[2].Batched {
		return nil, fmt.Errorf("kernels of shape %v for %d channels; all samples share kernels of all channels", weight.Shape, p.channels)
	}
	in, taps := []int{p.height, p.width}, make([]int64, len(weight.Shape)-2)
	if len(taps) == 1 {
		if p.height != 1 {
			return nil, fmt.Errorf("kernels of shape %v for images of height %d", weight.Shape, p.height)
		}
		in = in[1:]
	}
	for i, d := range weight.Shape[2:] {
		taps[i] = int64(d)
	}
	if given := n.Ints("kernel_shape", nil); given != nil && fmt.Sprint(given) != fmt.Sprint(taps) {
		return nil, fmt.Errorf("kernel_shape %v, but the kernels have shape %v", given, weight.Shape)
	}
	w, err := n.window(in, taps)
	if err != nil {
		return nil, err
	}
	m := weight.Shape[0]
	if n.Int("group", 1) != 1 {
		return nil, fmt.Errorf("group %d; all outputs read all channels", n.Int("group", 1))
	}
	if n.Has(2) && (len(n.In[2].Shape) != 1 || n.In[2].Shape[0] != m) {
		return nil, fmt.Errorf("bias of shape %v for %d output channels", n.In[2].Shape, m)
	}
	c := &lastConv[T]{images: p.images, relu: n.String("activation", "") == "relu"}
	if c.loops = kernel.NewConvLast[T](w, p.channels, m, c.relu, n.Shards, n.BF16); c.loops == nil {
		return nil, errors.New("a kernel that fits into the padding beside the image")
	}
	height, width := 1, w.Out[len(w.Out)-1]
	if len(w.Out) == 2 {
		height = w.Out[0]
	}
	k := result[T](n, []int{n.In[0].Shape[0], height, width, m}, p.batched)
	k.Sets = []int{0}
	k.ReadsIn = []int{0, 1}
	if c.relu {
		k.ReadsOut = []int{0}
	}
	if p.batched && p.images.per == 1 {
		k.Together = c.loops.Together()
	}
	k.Scratch = c.loops.Scratch()
	k.Forward = []Phase[T]{c.forward}
	k.Backward = []Phase[T]{c.backward}
	return k, nil
}

func (c *lastConv[T]) forward(f *Frame[T]) {
	var bias []T
	if len(f.In) > 2 {
		bias = f.In[2]
	}
	c.loops.SetAhead(f.Shard, f.Ahead)
	c.loops.Forward(f.Shard, f.First, f.Out[0], f.In[0], f.In[1], bias, c.images.of(f.N), f.Scratch)
}

func (c *lastConv[T]) backward(f *Frame[T]) {
	c.loops.SetAhead(f.Shard, f.Ahead)
	g := &kernel.GradLast[T]{DX: f.DIn[0], DW: f.DIn[1], Set: f.Fresh[0], DY: f.DOut[0], X: f.In[0], W: f.In[1],
		Images: c.images.of(f.N), First: f.First, Last: f.Last}
	if len(f.DIn) > 2 {
		g.DB = f.DIn[2]
	}
	if c.relu {
		g.Y = f.Out[0]
	}
	c.loops.Backward(f.Shard, g, f.Scratch)
}

// lastConvCases are those of Conv that the operator can have, and its own.
func lastConvCases() []Case {
	var all []Case
	for _, c := range channelsLastCases(convCases()) {
		group := int64(1)
		for _, a := range c.Attrs {
			if a.Name == "group" {
				group = a.I
			}
		}
		if group == 1 && !c.In[1].Batched {
			all = append(all, c)
		}
	}
	const why = "the runtime has no such operator"
	same, relu := onnx.Ints("pads", 1, 1, 1, 1), onnx.String("activation", "relu")
	in := func(x, w []int) []Arg { return []Arg{{Shape: x}, {Shape: w}, {Shape: []int{w[0]}}} }
	return append(all,
		Case{Name: "many channels", Attrs: []onnx.Attr{same}, In: in([]int{5, 6, 9, 17}, []int{34, 17, 3, 3}), NoRuntime: why},
		Case{Name: "many channels, stride 2", Attrs: []onnx.Attr{same, onnx.Ints("strides", 2, 2)}, In: in([]int{5, 6, 9, 17}, []int{18, 17, 3, 3}), NoRuntime: why},
		Case{Name: "relu", Attrs: []onnx.Attr{same, relu}, In: in([]int{5, 4, 5, 8}, []int{9, 8, 3, 3}), NoRuntime: why},
		Case{Name: "relu, stride 2", Attrs: []onnx.Attr{same, relu, onnx.Ints("strides", 2, 2)}, In: in([]int{5, 4, 5, 3}, []int{5, 3, 3, 3}), NoRuntime: why},
		Case{Name: "relu, 1x1", Attrs: []onnx.Attr{relu}, In: in([]int{5, 4, 5, 3}, []int{5, 3, 1, 1}), NoRuntime: why},
		Case{Name: "one tap along the height", Attrs: []onnx.Attr{onnx.Ints("pads", 2, 2), onnx.Ints("strides", 2)}, In: in([]int{5, 1, 11, 3}, []int{4, 3, 5}), NoRuntime: why},
	)
}
