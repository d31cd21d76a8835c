// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Conv correlates images X[N, C, spatial...] with kernels W[M, C/group, taps...]
// and adds a bias B[M] to every output position:
//
//	Y[n, m, o] = B[m] + Σ_{c, t} W[m, c, t] * X[n, c + C/group*(m / (M/group)), o*stride - pad + t*dilation]
//
// https://onnx.ai/onnx/operators/onnx__Conv.html
// Since opset 1; 11 only made defaults explicit, 22 only added types.
var _ = register(Op{
	Name: "Conv", Since: 1,
	Bind32: bindConv[float32], Bind64: bindConv[float64],
	Cases: convCases(),
})

// conv is a bound Conv over groups, each of in channels to out channels.
type conv[T kernel.Float] struct {
	w               *kernel.Window
	groups, in, out int
	images          count
	taps, inLen     int // of the kernel, of an input plane
	outLen          int
	depthwise       bool
	direct          bool // an input plane serves as the column matrix's row
	together        int  // images a product
	// views convolves without a column matrix where the geometry allows it.
	views *kernel.Conv[T]
}

func bindConv[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(2, 3, 1); err != nil {
		return nil, err
	}
	x, weight := &n.In[0], &n.In[1]
	if len(x.Shape) < 3 || len(weight.Shape) != len(x.Shape) {
		return nil, fmt.Errorf("input %v and kernels %v; both want two dimensions and then one for each spatial one", x.Shape, weight.Shape)
	}
	taps := make([]int64, len(weight.Shape)-2)
	for i, d := range weight.Shape[2:] {
		taps[i] = int64(d)
	}
	if given := n.Ints("kernel_shape", nil); given != nil && fmt.Sprint(given) != fmt.Sprint(taps) {
		return nil, fmt.Errorf("kernel_shape %v, but the kernels have shape %v", given, weight.Shape)
	}
	w, err := n.window(x.Shape[2:], taps)
	if err != nil {
		return nil, err
	}
	channels, m, groups := x.Shape[1], weight.Shape[0], int(n.Int("group", 1))
	if groups < 1 || m%groups != 0 || weight.Shape[1]*groups != channels {
		return nil, fmt.Errorf("group %d with %d channels and kernels of shape %v", groups, channels, weight.Shape)
	}
	if n.Has(2) && (len(n.In[2].Shape) != 1 || n.In[2].Shape[0] != m) {
		return nil, fmt.Errorf("bias of shape %v for %d output channels", n.In[2].Shape, m)
	}
	batched := x.Batched && !weight.Batched && !(n.Has(2) && n.In[2].Batched)
	c := &conv[T]{w: w, groups: groups, in: channels / groups, out: m / groups, images: n.count(x.Shape[0], batched),
		taps: w.Taps(), inLen: w.InLen(), outLen: w.OutLen()}
	c.direct = plain(w)
	if !c.direct {
		c.views = kernel.NewConv[T](w, groups, c.in, c.out)
	}
	c.depthwise = c.views == nil && c.in == 1 && !(c.out > 1 && groups == 1)
	c.together = 1
	if !c.depthwise && c.outLen < 64 {
		c.together = min(256/c.outLen, max(x.Shape[0], 1))
	}
	k := result[T](n, append([]int{x.Shape[0], m}, w.Out...), batched)
	k.ReadsIn = []int{0, 1}
	k.Scratch = c.scratch()
	k.Forward = []Phase[T]{c.forward}
	k.Backward = []Phase[T]{c.backward}
	return k, nil
}

// forward convolves image after image, or several in one product where their
// planes are small.
func (c *conv[T]) forward(f *Frame[T]) {
	images := c.images.of(f.N)
	var bias []T
	if len(f.In) > 2 {
		bias = f.In[2]
	}
	if c.depthwise {
		c.forwardDepthwise(f.Out[0], f.In[0], f.In[1], bias, images)
		return
	}
	if c.views != nil {
		c.views.Forward(f.Out[0], f.In[0], f.In[1], bias, images, f.Scratch)
		return
	}
	for i := 0; i < images; i += c.together {
		n := min(c.together, images-i)
		x := f.In[0][i*c.groups*c.in*c.inLen:][:n*c.groups*c.in*c.inLen]
		y := f.Out[0][i*c.groups*c.out*c.outLen:][:n*c.groups*c.out*c.outLen]
		c.forwardImages(y, x, f.In[1], bias, f.Scratch, n)
	}
}

// backward adds to the gradients of the images, the kernels and the bias.
func (c *conv[T]) backward(f *Frame[T]) {
	images := c.images.of(f.N)
	if len(f.DIn) > 2 && f.DIn[2] != nil {
		db, dy := f.DIn[2], f.DOut[0]
		for p := range images * len(db) {
			db[p%len(db)] += T(kernel.Sum(dy[p*c.outLen : (p+1)*c.outLen]))
		}
	}
	if f.DIn[0] == nil && f.DIn[1] == nil {
		return
	}
	if c.depthwise {
		c.backwardDepthwise(f.DIn[0], f.DIn[1], f.DOut[0], f.In[0], f.In[1], images)
		return
	}
	if c.views != nil {
		if f.DIn[0] != nil {
			c.views.Data(f.DIn[0], f.DOut[0], f.In[1], images, f.Scratch)
		}
		if f.DIn[1] != nil {
			c.views.Weight(f.DIn[1], f.In[0], f.DOut[0], images, f.Scratch)
		}
		return
	}
	for i := 0; i < images; i += c.together {
		n := min(c.together, images-i)
		atX, lenX := i*c.groups*c.in*c.inLen, n*c.groups*c.in*c.inLen
		var dx []T
		if f.DIn[0] != nil {
			dx = f.DIn[0][atX : atX+lenX]
		}
		dy := f.DOut[0][i*c.groups*c.out*c.outLen:][:n*c.groups*c.out*c.outLen]
		c.backwardImages(dx, f.DIn[1], dy, f.In[0][atX:atX+lenX], f.In[1], f.Scratch, n)
	}
}

// convCases are the geometries the suite checks Conv in.
func convCases() []Case {
	at := func(k ...onnx.Attr) []onnx.Attr { return k }
	in := func(x, w []int, bias bool) []Arg {
		args := []Arg{{Shape: x}, {Shape: w}}
		if bias {
			args = append(args, Arg{Shape: []int{w[0]}})
		}
		return args
	}
	same := onnx.Ints("pads", 1, 1, 1, 1)
	return []Case{
		{Name: "3x3", In: in([]int{5, 3, 8, 8}, []int{4, 3, 3, 3}, true)},
		{Name: "oldest opset", Opset: 7, Attrs: at(same), In: in([]int{5, 3, 8, 8}, []int{4, 3, 3, 3}, true)},
		{Name: "3x3 padded", Attrs: at(same), In: in([]int{5, 3, 13, 11}, []int{4, 3, 3, 3}, true)},
		{Name: "no bias", Attrs: at(same), In: in([]int{5, 2, 5, 5}, []int{3, 2, 3, 3}, false)},
		{Name: "stride 2", Attrs: at(same, onnx.Ints("strides", 2, 2)), In: in([]int{5, 3, 9, 8}, []int{4, 3, 3, 3}, true)},
		{Name: "uneven strides and pads", Attrs: at(onnx.Ints("pads", 0, 2, 1, 1), onnx.Ints("strides", 1, 3)), In: in([]int{5, 2, 7, 10}, []int{3, 2, 2, 5}, true)},
		{Name: "dilated", Attrs: at(onnx.Ints("dilations", 2, 3), onnx.Ints("pads", 2, 3, 2, 3)), In: in([]int{5, 2, 9, 10}, []int{3, 2, 3, 3}, true)},
		{Name: "same upper", Attrs: at(onnx.String("auto_pad", "SAME_UPPER"), onnx.Ints("strides", 2, 2)), In: in([]int{5, 2, 7, 8}, []int{3, 2, 3, 2}, true)},
		{Name: "same lower", Attrs: at(onnx.String("auto_pad", "SAME_LOWER"), onnx.Ints("strides", 2, 1)), In: in([]int{5, 2, 7, 8}, []int{3, 2, 4, 2}, true)},
		{Name: "valid", Attrs: at(onnx.String("auto_pad", "VALID")), In: in([]int{5, 2, 6, 6}, []int{3, 2, 3, 3}, true)},
		{Name: "grouped", Attrs: at(same, onnx.Int("group", 2)), In: in([]int{5, 6, 6, 6}, []int{4, 3, 3, 3}, true)},
		{Name: "grouped, large planes", Attrs: at(same, onnx.Int("group", 2)), In: in([]int{5, 4, 12, 13}, []int{6, 2, 3, 3}, true)},
		{Name: "depthwise", Attrs: at(same, onnx.Int("group", 4)), In: in([]int{5, 4, 7, 7}, []int{4, 1, 3, 3}, true)},
		{Name: "depthwise stride 2", Attrs: at(onnx.Ints("pads", 2, 2, 2, 2), onnx.Ints("strides", 2, 2), onnx.Int("group", 3)), In: in([]int{5, 3, 9, 7}, []int{3, 1, 5, 5}, false)},
		{Name: "depthwise multiplier", Attrs: at(same, onnx.Int("group", 3)), In: in([]int{5, 3, 6, 5}, []int{6, 1, 3, 3}, true)},
		{Name: "one channel", Attrs: at(same), In: in([]int{5, 1, 12, 12}, []int{6, 1, 3, 3}, true)},
		{Name: "1x1", In: in([]int{5, 6, 5, 5}, []int{4, 6, 1, 1}, true)},
		{Name: "1x1, large planes", In: in([]int{5, 3, 12, 13}, []int{4, 3, 1, 1}, true)},
		{Name: "1x1 stride 2", Attrs: at(onnx.Ints("strides", 2, 2)), In: in([]int{5, 6, 5, 5}, []int{4, 6, 1, 1}, true)},
		{Name: "kernel of the image's size", In: in([]int{5, 3, 4, 4}, []int{7, 3, 4, 4}, true)},
		{Name: "1-D", Attrs: at(onnx.Ints("pads", 1, 1), onnx.Ints("strides", 2)), In: in([]int{5, 3, 11}, []int{4, 3, 3}, true)},
		{Name: "3-D", Attrs: at(onnx.Ints("pads", 1, 0, 1, 1, 0, 1)), In: in([]int{5, 2, 3, 4, 5}, []int{3, 2, 3, 2, 3}, true)},
		{Name: "two images a sample", Attrs: at(same), In: in([]int{10, 2, 4, 4}, []int{3, 2, 3, 3}, true)},
		{Name: "weights only", Attrs: at(same), In: []Arg{{Shape: []int{2, 2, 4, 4}, Shared: true}, {Shape: []int{3, 2, 3, 3}}, {Shape: []int{3}}}},
		{Name: "computed kernels", Attrs: at(same), In: []Arg{{Shape: []int{2, 2, 4, 4}, Shared: true}, {Shape: []int{5, 2, 3, 3}, Batched: true}}},
	}
}
