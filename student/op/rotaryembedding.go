// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// RotaryEmbedding turns pairs of numbers of every head by angles that depend on the
// position: (x, y) becomes (cos*x - sin*y, sin*x + cos*y). X is [N, T, heads*width], or
// [N, heads, T, width]; pairs are the two halves of the first rotary_embedding_dim
// numbers, or neighbours with interleaved. The caches hold a row for every position that
// position_ids names, or without those a row for each of [N, T]. They are not trained.
//
// https://onnx.ai/onnx/operators/onnx__RotaryEmbedding.html and
// https://arxiv.org/abs/2104.09864
// Since opset 23.
var _ = register(Op{
	Name: "RotaryEmbedding", Since: 23, Fixed: []int{1, 2, 3},
	Bind32: bindRotaryEmbedding[float32], Bind64: bindRotaryEmbedding[float64],
	Cases: rotaryCases(),
})

func bindRotaryEmbedding[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(3, 4, 1); err != nil {
		return nil, err
	}
	ids := -1
	if n.Has(3) {
		ids = 3
	}
	return bindRotary[T](n, 1, 2, ids)
}

// rotary is a bound RotaryEmbedding.
type rotary[T kernel.Float] struct {
	samples             count
	heads, steps, width int
	turned              int // numbers of a head that are turned
	head, row           int // distances of heads and steps within a sample
	cos, sin, ids       int // inputs; ids is -1 where there are none
	rows                int // of the caches
	interleaved         bool
	cachePer, idsPer    bool // batched caches and ids
	oneStart            bool // ids hold one start for all
}

// bindRotary binds RotaryEmbedding given which inputs are what.
func bindRotary[T kernel.Float](n *Node, cos, sin, ids int) (*Kernel[T], error) {
	x := &n.In[0]
	r := &rotary[T]{cos: cos, sin: sin, ids: ids, interleaved: n.Int("interleaved", 0) != 0}
	switch len(x.Shape) {
	case 4:
		r.heads, r.steps, r.width = x.Shape[1], x.Shape[2], x.Shape[3]
		r.head, r.row = r.steps*r.width, r.width
	case 3:
		if r.heads = int(n.Int("num_heads", 0)); r.heads < 1 || x.Shape[2]%r.heads != 0 {
			return nil, fmt.Errorf("num_heads %d does not divide shape %v", r.heads, x.Shape)
		}
		r.steps, r.width = x.Shape[1], x.Shape[2]/r.heads
		r.head, r.row = r.width, x.Shape[2]
	default:
		return nil, fmt.Errorf("input has shape %v, wants three or four axes", x.Shape)
	}
	if r.turned = int(n.Int("rotary_embedding_dim", 0)); r.turned == 0 {
		r.turned = r.width
	}
	c, half := n.In[cos].Shape, r.turned/2
	if r.turned%2 != 0 || r.turned > r.width || len(c) == 0 || c[len(c)-1] != half || fmt.Sprint(c) != fmt.Sprint(n.In[sin].Shape) {
		return nil, fmt.Errorf("caches of shapes %v and %v do not fit the %d numbers to turn", c, n.In[sin].Shape, r.turned)
	}
	batched := x.Batched
	if ids >= 0 {
		r.rows, r.idsPer = c[0], n.In[ids].Batched
		if r.oneStart = n.In[ids].Len() == 1; !r.oneStart && n.In[ids].Len() != x.Shape[0]*r.steps || len(c) != 2 {
			return nil, fmt.Errorf("position_ids have shape %v and the caches %v, for %d samples of %d steps", n.In[ids].Shape, c, x.Shape[0], r.steps)
		}
		batched = batched && !n.In[cos].Batched && !n.In[sin].Batched
	} else {
		r.cachePer = n.In[cos].Batched
		if Len(c) != x.Shape[0]*r.steps*half {
			return nil, fmt.Errorf("caches have shape %v, wants %v", c, []int{x.Shape[0], r.steps, half})
		}
		batched = batched && n.In[sin].Batched == r.cachePer
	}
	r.samples = n.count(x.Shape[0], batched)
	r.cachePer, r.idsPer = r.cachePer || !batched, r.idsPer || !batched
	k := result[T](n, x.Shape, batched)
	k.ReadsIn = []int{cos, sin}
	if ids >= 0 {
		k.ReadsIn = append(k.ReadsIn, ids)
	}
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		copy(f.Out[0], f.In[0])
		r.each(f, func(a, b int, cos, sin T) {
			x, y := f.In[0][a], f.In[0][b]
			f.Out[0][a], f.Out[0][b] = cos*x-sin*y, sin*x+cos*y
		})
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		dx, dy := f.DIn[0], f.DOut[0]
		if dx == nil {
			return
		}
		r.each(f, func(a, b int, cos, sin T) {
			dx[a] += cos*dy[a] + sin*dy[b]
			dx[b] += cos*dy[b] - sin*dy[a]
		})
		for s := range r.samples.of(f.N) {
			for h := range r.heads {
				for t := range r.steps {
					at := s*r.heads*r.steps*r.width + h*r.head + t*r.row
					kernel.Add(dx[at+r.turned:at+r.width], dy[at+r.turned:at+r.width])
				}
			}
		}
	}}
	return k, nil
}

// each visits the pairs of a slice.
func (r *rotary[T]) each(f *Frame[T], visit func(a, b int, cos, sin T)) {
	half := r.turned / 2
	for s := range r.samples.of(f.N) {
		for t := range r.steps {
			at := s*r.steps + t
			if r.ids < 0 && !r.cachePer || r.ids >= 0 && !r.idsPer {
				at += f.At * r.samples.per * r.steps
			}
			row := at
			switch {
			case r.ids >= 0 && r.oneStart:
				row = index(f.In[r.ids][0], r.rows) + t
			case r.ids >= 0:
				row = index(f.In[r.ids][at], r.rows)
			}
			cos, sin := f.In[r.cos][row*half:], f.In[r.sin][row*half:]
			for h := range r.heads {
				base := s*r.heads*r.steps*r.width + h*r.head + t*r.row
				for i := range half {
					a, b := base+i, base+half+i
					if r.interleaved {
						a, b = base+2*i, base+2*i+1
					}
					visit(a, b, cos[i], sin[i])
				}
			}
		}
	}
}

func rotaryCases() []Case {
	cache := Arg{Shape: []int{9, 2}}
	ids := Arg{Shape: []int{5, 3}, Lo: 0, Hi: 9, Type: onnx.Int64, Batched: true}
	full := Arg{Shape: []int{5, 3, 2}, Batched: true}
	heads := onnx.Int("num_heads", 2)
	return []Case{
		{Name: "four axes", Opset: 23, In: []Arg{{Shape: []int{5, 2, 3, 4}}, cache, cache, ids}},
		{Name: "three axes", Opset: 23, Attrs: []onnx.Attr{heads}, In: []Arg{{Shape: []int{5, 3, 8}}, cache, cache, ids}},
		{Name: "interleaved", Opset: 23, Attrs: []onnx.Attr{onnx.Int("interleaved", 1)}, In: []Arg{{Shape: []int{5, 2, 3, 4}}, cache, cache, ids}},
		{Name: "part of a head", Opset: 23, Attrs: []onnx.Attr{onnx.Int("rotary_embedding_dim", 4)}, In: []Arg{{Shape: []int{5, 2, 3, 6}}, cache, cache, ids}},
		{Name: "no positions", Opset: 23, Attrs: []onnx.Attr{heads}, In: []Arg{{Shape: []int{5, 3, 8}}, full, full}},
		{Name: "two a sample, constant positions", Opset: 23, In: []Arg{{Shape: []int{10, 2, 1, 4}}, cache, cache, {Shape: []int{10, 1}, Ints: []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 0}}}},
	}
}
