// SPDX-License-Identifier: Apache-2.0

package cut

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// layerOf reads a node as a linear layer, nil if it is none that can be fitted: one
// whose weights are a constant that nobody else reads.
func (w *work) layerOf(n *onnx.Node) (*layer, error) {
	g := w.model.Graph
	if len(n.Inputs) < 2 || n.OpType != "Conv" && n.OpType != "Gemm" && n.OpType != "MatMul" {
		return nil, nil
	}
	t := w.own(n.Inputs[1])
	if t == nil || !t.Type.IsFloat() {
		return nil, nil
	}
	l := &layer{n: n, weight: t, patch: &patch{}}
	switch n.OpType {
	case "Conv":
		if n.Int("group", 1) != 1 || len(t.Dims) < 3 || len(t.Dims) > 4 {
			return nil, nil
		}
		l.out = int(t.Dims[0])
		l.in = t.Len() / l.out
		l.patch.conv(n, t.Dims[2:])
	case "Gemm":
		if n.Int("transA", 0) != 0 || n.Float("alpha", 1) != 1 || n.Float("beta", 1) != 1 {
			return nil, nil
		}
		l.in, l.out = int(t.Dims[0]), int(t.Dims[1])
		if n.Int("transB", 0) != 0 {
			l.in, l.out = l.out, l.in
		}
	case "MatMul":
		if len(t.Dims) != 2 {
			return nil, nil
		}
		l.in, l.out = int(t.Dims[0]), int(t.Dims[1])
		if readers := g.Consumers()[n.Outputs[0]]; len(readers) == 1 && readers[0].OpType == "Add" {
			for _, in := range readers[0].Inputs {
				if b := w.own(in); b != nil && b.Len() == l.out && int(b.Dims[len(b.Dims)-1]) == l.out {
					l.bias = b
				}
			}
		}
		return l, nil
	}
	for len(n.Inputs) < 3 {
		n.Inputs = append(n.Inputs, "")
	}
	if n.Inputs[2] == "" {
		zero := onnx.NewFloat32(n.Outputs[0]+".bias", []int64{int64(l.out)}, make([]float32, l.out))
		zero.Type, zero.Data = t.Type, onnx.FloatData(t.Type, make([]float32, l.out))
		n.Inputs[2] = onnx.NewBuilder(g, "").Init(zero)
	}
	if b := w.own(n.Inputs[2]); b != nil && b.Len() == l.out {
		l.bias = b
	}
	return l, nil
}

// own is a constant that one node alone reads, nil if it is not such.
func (w *work) own(name string) *onnx.Tensor {
	t := w.model.Graph.Initializer(name)
	if t == nil || len(w.model.Graph.Consumers()[name]) != 1 {
		return nil
	}
	return t
}

// read is the layer's weights as a fit starts from them.
func (l *layer) read() (*fit, error) {
	v, err := onnx.Values[float64](l.weight)
	if err != nil {
		return nil, err
	}
	f := &fit{in: l.in, out: l.out, w: make([]float64, len(v))}
	for i, x := range v {
		f.w[l.at(i)] = x
	}
	f.b = make([]float64, l.out)
	if l.bias != nil {
		if f.b, err = onnx.Values[float64](l.bias); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// at is the place of element i of the weights in [in][out].
func (l *layer) at(i int) int {
	if l.n.OpType == "Conv" || l.n.OpType == "Gemm" && l.n.Int("transB", 0) != 0 {
		return i%l.in*l.out + i/l.in
	}
	return i
}

// write puts fitted weights into the graph.
func (l *layer) write(f *fit) {
	v := make([]float32, len(f.w))
	for i := range v {
		v[i] = float32(f.w[l.at(i)])
	}
	l.weight.Data = onnx.FloatData(l.weight.Type, v)
	if l.bias != nil {
		b := make([]float32, l.out)
		for i := range b {
			b[i] = float32(f.b[i])
		}
		l.bias.Data = onnx.FloatData(l.bias.Type, b)
	}
}

// random is a source that depends on the seed and a name alone.
func (w *work) random(name string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.New(rand.NewPCG(w.seed, h.Sum64()))
}

// pick draws k different numbers below n, in ascending order.
func pick(r *rand.Rand, n, k int) []int {
	if k >= n {
		list := make([]int, n)
		for i := range list {
			list[i] = i
		}
		return list
	}
	seen := make(map[int]bool, k)
	list := make([]int, 0, k)
	for len(list) < k {
		if i := r.IntN(n); !seen[i] {
			seen[i] = true
			list = append(list, i)
		}
	}
	slices.Sort(list)
	return list
}

// patch gathers what a layer reads for one element of its output.
type patch struct {
	// channel is the axis of the layer's outputs.
	channel int

	filters                    bool
	kernel, stride, pad, delay []int
	auto                       string
	x, y                       []int // shapes of a batch
}

// conv makes it the patches of a convolution of one or two dimensions.
func (p *patch) conv(n *onnx.Node, kernel []int64) {
	p.filters = true
	k := len(kernel)
	ones, zeros := make([]int64, k), make([]int64, 2*k)
	for i := range ones {
		ones[i] = 1
	}
	for i := range k {
		p.kernel = append(p.kernel, int(kernel[i]))
		p.stride = append(p.stride, int(n.Ints("strides", ones)[i]))
		p.delay = append(p.delay, int(n.Ints("dilations", ones)[i]))
		p.pad = append(p.pad, int(n.Ints("pads", zeros)[i]))
	}
	p.auto = n.String("auto_pad", "NOTSET")
}

// place takes the shapes of the layer's input and of its output before the cut.
func (p *patch) place(x, y []int) {
	p.x, p.y = x, y
	p.channel = len(y) - 1
	if p.filters {
		p.channel = 1
		for i := range p.kernel {
			whole := (y[2+i]-1)*p.stride[i] + (p.kernel[i]-1)*p.delay[i] + 1 - x[2+i]
			switch p.auto {
			case "SAME_UPPER":
				p.pad[i] = max(whole, 0) / 2
			case "SAME_LOWER":
				p.pad[i] = (max(whole, 0) + 1) / 2
			case "VALID":
				p.pad[i] = 0
			}
		}
	}
}

// gather appends the row that place number at reads.
func (p *patch) gather(row []float64, x []float32, at int) []float64 {
	if !p.filters {
		n := p.x[len(p.x)-1]
		for _, v := range x[at*n : (at+1)*n] {
			row = append(row, float64(v))
		}
		return row
	}
	h, w := 1, p.x[2]
	oh, ow := 1, p.y[2]
	kh, kw, sh, sw, ph, pw, dh, dw := 1, p.kernel[0], 1, p.stride[0], 0, p.pad[0], 1, p.delay[0]
	if len(p.kernel) == 2 {
		h, w, oh, ow = p.x[2], p.x[3], p.y[2], p.y[3]
		kh, kw, sh, sw = p.kernel[0], p.kernel[1], p.stride[0], p.stride[1]
		ph, pw, dh, dw = p.pad[0], p.pad[1], p.delay[0], p.delay[1]
	}
	n, r, c := at/(oh*ow), at/ow%oh, at%ow
	for ch := range p.x[1] {
		plane := x[(n*p.x[1]+ch)*h*w:][:h*w]
		for i := range kh {
			for j := range kw {
				u, v := r*sh-ph+i*dh, c*sw-pw+j*dw
				if u < 0 || u >= h || v < 0 || v >= w {
					row = append(row, 0)
					continue
				}
				row = append(row, float64(plane[u*w+v]))
			}
		}
	}
	return row
}

// answer appends what the layer wrote there, the kept channels of it; nil keeps all.
func (p *patch) answer(row []float64, y []float32, at int, kept []int) []float64 {
	channels, inner := p.y[p.channel], 1
	for _, d := range p.y[p.channel+1:] {
		inner *= d
	}
	base := at/inner*channels*inner + at%inner
	if kept == nil {
		for k := range channels {
			row = append(row, float64(y[base+k*inner]))
		}
		return row
	}
	for _, k := range kept {
		row = append(row, float64(y[base+k*inner]))
	}
	return row
}
