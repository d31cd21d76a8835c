// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// ConvTranspose is the transpose of Conv with respect to its input: every position
// of X[N, C, spatial...] adds its kernel's taps, from W[C, M/group, taps...], to the
// positions of Y that a convolution of Y would gather it from; B[M] is added to all.
//
// https://onnx.ai/onnx/operators/onnx__ConvTranspose.html
// Since opset 1; 11 only made defaults explicit, 22 only added types.
var _ = register(Op{
	Name: "ConvTranspose", Since: 1,
	Bind32: bindConvTranspose[float32], Bind64: bindConvTranspose[float64],
	Cases: convTransposeCases(),
})

// convTranspose is a bound ConvTranspose over groups, each of in channels to out
// channels. Its window slides over the output.
type convTranspose[T kernel.Float] struct {
	w               *kernel.Window
	groups, in, out int
	images          count
	rows            int // of the column matrix of a group: out times the taps
	inLen, outLen   int // of a plane
}

func bindConvTranspose[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(2, 3, 1); err != nil {
		return nil, err
	}
	x, weight := &n.In[0], &n.In[1]
	if len(x.Shape) < 3 || len(x.Shape) > 5 || len(weight.Shape) != len(x.Shape) {
		return nil, fmt.Errorf("input %v and kernels %v; both want two dimensions and then one to three spatial ones", x.Shape, weight.Shape)
	}
	if given := n.Ints("kernel_shape", nil); given != nil && fmt.Sprint(given) != fmt.Sprint(weight.Shape[2:]) {
		return nil, fmt.Errorf("kernel_shape %v, but the kernels have shape %v", given, weight.Shape)
	}
	w, err := n.windowBack(x.Shape[2:], weight.Shape[2:])
	if err != nil {
		return nil, err
	}
	channels, groups := x.Shape[1], int(n.Int("group", 1))
	if groups < 1 || channels%groups != 0 || weight.Shape[0] != channels {
		return nil, fmt.Errorf("group %d with %d channels and kernels of shape %v", groups, channels, weight.Shape)
	}
	m := weight.Shape[1] * groups
	if n.Has(2) && (len(n.In[2].Shape) != 1 || n.In[2].Shape[0] != m) {
		return nil, fmt.Errorf("bias of shape %v for %d output channels", n.In[2].Shape, m)
	}
	batched := x.Batched && !weight.Batched && !(n.Has(2) && n.In[2].Batched)
	c := &convTranspose[T]{w: w, groups: groups, in: channels / groups, out: m / groups, images: n.count(x.Shape[0], batched),
		rows: m / groups * w.Taps(), inLen: w.OutLen(), outLen: w.InLen()}
	k := result[T](n, append([]int{x.Shape[0], m}, w.In...), batched)
	k.ReadsIn = []int{0, 1}
	k.Scratch = c.rows * c.inLen
	k.Forward = []Phase[T]{c.forward}
	k.Backward = []Phase[T]{c.backward}
	return k, nil
}

func (c *convTranspose[T]) forward(f *Frame[T]) {
	columns := f.Scratch[:c.rows*c.inLen]
	for i := range c.images.of(f.N) * c.groups {
		g := i % c.groups
		x, y := f.In[0][i*c.in*c.inLen:][:c.in*c.inLen], f.Out[0][i*c.out*c.outLen:][:c.out*c.outLen]
		clear(y)
		if len(f.In) > 2 && f.In[2] != nil {
			for m := range c.out {
				kernel.Fill(y[m*c.outLen:(m+1)*c.outLen], f.In[2][g*c.out+m])
			}
		}
		kernel.Gemm(true, false, c.rows, c.inLen, c.in, 1, c.kernels(f.In[1], g), c.rows, x, c.inLen, 0, columns, c.inLen)
		kernel.Col2im(y, columns, c.out, c.w)
	}
}

// kernels are those of a group, [in, rows].
func (c *convTranspose[T]) kernels(w []T, g int) []T {
	return w[g*c.in*c.rows : (g+1)*c.in*c.rows]
}

func (c *convTranspose[T]) backward(f *Frame[T]) {
	columns := f.Scratch[:c.rows*c.inLen]
	for i := range c.images.of(f.N) * c.groups {
		g := i % c.groups
		dy := f.DOut[0][i*c.out*c.outLen:][:c.out*c.outLen]
		if len(f.DIn) > 2 && f.DIn[2] != nil {
			for m := range c.out {
				f.DIn[2][g*c.out+m] += T(kernel.Sum(dy[m*c.outLen : (m+1)*c.outLen]))
			}
		}
		if f.DIn[0] == nil && f.DIn[1] == nil {
			continue
		}
		kernel.Im2col(columns, dy, c.out, c.w)
		at := i * c.in * c.inLen
		if f.DIn[0] != nil {
			kernel.Gemm(false, false, c.in, c.inLen, c.rows, 1, c.kernels(f.In[1], g), c.rows, columns, c.inLen, 1, f.DIn[0][at:at+c.in*c.inLen], c.inLen)
		}
		if f.DIn[1] != nil {
			kernel.Gemm(false, true, c.in, c.rows, c.inLen, 1, f.In[0][at:at+c.in*c.inLen], c.inLen, columns, c.inLen, 1, c.kernels(f.DIn[1], g), c.rows)
		}
	}
}

// windowBack reads the geometry of a transposed convolution of planes of size in:
// the window of the convolution that has them as its output.
func (n *Node) windowBack(in, taps []int) (*kernel.Window, error) {
	d := len(in)
	strides, err := n.perAxis("strides", d, 1)
	if err != nil {
		return nil, err
	}
	dilations, err := n.perAxis("dilations", d, 1)
	if err != nil {
		return nil, err
	}
	pads, extra := n.Ints("pads", make([]int64, 2*d)), n.Ints("output_padding", make([]int64, d))
	shape := n.Ints("output_shape", nil)
	if len(shape) == d+2 {
		shape = shape[2:]
	}
	if len(pads) != 2*d || len(extra) != d || (shape != nil && len(shape) != d) {
		return nil, fmt.Errorf("pads %v, output_padding %v and output_shape %v for %d spatial dimensions", pads, extra, shape, d)
	}
	auto := n.String("auto_pad", "NOTSET")
	w := &kernel.Window{In: make([]int, d), Out: in, Kernel: taps, Stride: strides, Dilation: dilations, PadBegin: make([]int, d), PadEnd: make([]int, d)}
	for i := range d {
		if taps[i] < 1 || in[i] < 1 || pads[i] < 0 || pads[d+i] < 0 || extra[i] < 0 {
			return nil, fmt.Errorf("planes %v, kernels %v, pads %v and output_padding %v; sizes are positive and pads not negative", in, taps, pads, extra)
		}
		full := (in[i]-1)*strides[i] + (taps[i]-1)*dilations[i] + 1 + int(extra[i])
		switch {
		case auto == "SAME_UPPER" || auto == "SAME_LOWER" || shape != nil:
			w.In[i] = in[i] * strides[i]
			if shape != nil {
				w.In[i] = int(shape[i])
			}
			total := max(full-w.In[i], 0)
			w.PadBegin[i] = total / 2
			if auto != "SAME_UPPER" {
				w.PadBegin[i] = total - total/2
			}
			w.PadEnd[i] = total - w.PadBegin[i]
		case auto == "NOTSET" || auto == "VALID" || auto == "":
			if auto != "VALID" {
				w.PadBegin[i], w.PadEnd[i] = int(pads[i]), int(pads[d+i])
			}
			w.In[i] = full - w.PadBegin[i] - w.PadEnd[i]
		default:
			return nil, fmt.Errorf("auto_pad is %q, wants NOTSET, SAME_UPPER, SAME_LOWER or VALID", auto)
		}
		if w.In[i] < 1 {
			return nil, fmt.Errorf("pads %v leave nothing of the output", pads)
		}
	}
	return w, sized(w.In)
}

// convTransposeCases are the geometries the suite checks ConvTranspose in.
func convTransposeCases() []Case {
	at := func(k ...onnx.Attr) []onnx.Attr { return k }
	in := func(x, w []int, bias int) []Arg {
		args := []Arg{{Shape: x}, {Shape: w}}
		if bias > 0 {
			args = append(args, Arg{Shape: []int{bias}})
		}
		return args
	}
	twos := onnx.Ints("strides", 2, 2)
	return []Case{
		{Name: "3x3", In: in([]int{5, 3, 4, 5}, []int{3, 2, 3, 3}, 2)},
		{Name: "oldest opset", Opset: 7, In: in([]int{5, 3, 4, 5}, []int{3, 2, 3, 3}, 2)},
		{Name: "doubled", Attrs: at(twos), In: in([]int{5, 3, 4, 3}, []int{3, 2, 2, 2}, 0)},
		{Name: "doubled, padded", Attrs: at(twos, onnx.Ints("pads", 1, 1, 1, 1), onnx.Ints("output_padding", 1, 1)), In: in([]int{5, 3, 4, 3}, []int{3, 2, 3, 3}, 2)},
		{Name: "uneven", Attrs: at(onnx.Ints("strides", 1, 3), onnx.Ints("pads", 0, 1, 2, 0), onnx.Ints("output_padding", 0, 2)), In: in([]int{5, 2, 4, 3}, []int{2, 3, 3, 4}, 3)},
		{Name: "dilated", Attrs: at(onnx.Ints("dilations", 2, 3)), In: in([]int{5, 2, 3, 4}, []int{2, 2, 3, 2}, 2)},
		{Name: "same upper", Attrs: at(twos, onnx.String("auto_pad", "SAME_UPPER")), In: in([]int{5, 2, 3, 4}, []int{2, 2, 3, 4}, 2)},
		{Name: "same lower", Attrs: at(twos, onnx.String("auto_pad", "SAME_LOWER")), In: in([]int{5, 2, 3, 4}, []int{2, 2, 3, 4}, 2)},
		{Name: "valid", Attrs: at(twos, onnx.String("auto_pad", "VALID")), In: in([]int{5, 2, 3, 4}, []int{2, 2, 3, 3}, 2)},
		{Name: "output shape", Attrs: at(twos, onnx.Ints("output_shape", 6, 8)), In: in([]int{5, 2, 3, 4}, []int{2, 2, 4, 4}, 2)},
		{Name: "stride beyond the kernel", Attrs: at(onnx.Ints("strides", 3, 3)), In: in([]int{5, 2, 3, 3}, []int{2, 2, 2, 1}, 2)},
		{Name: "grouped", Attrs: at(onnx.Int("group", 2)), In: in([]int{5, 4, 3, 4}, []int{4, 3, 3, 3}, 6)},
		{Name: "depthwise", Attrs: at(twos, onnx.Int("group", 3)), In: in([]int{5, 3, 3, 4}, []int{3, 1, 3, 3}, 3)},
		{Name: "1-D", Attrs: at(onnx.Ints("strides", 2), onnx.Ints("pads", 1, 0)), In: in([]int{5, 3, 7}, []int{3, 2, 4}, 2)},
		{Name: "3-D", Attrs: at(onnx.Ints("strides", 1, 2, 1)), In: in([]int{5, 2, 2, 3, 2}, []int{2, 2, 2, 2, 3}, 2)},
		{Name: "two images a sample", In: in([]int{10, 2, 2, 3}, []int{2, 2, 2, 2}, 0)},
		{Name: "weights", In: []Arg{{Shape: []int{2, 2, 2, 3}, Shared: true}, {Shape: []int{2, 2, 2, 2}}}},
	}
}
