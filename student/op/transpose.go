// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Transpose reorders axes: axis i of Y is axis perm[i] of X. Without perm the axes
// are reversed.
//
// https://onnx.ai/onnx/operators/onnx__Transpose.html
// Since opset 1; others only added types.
var _ = register(Op{
	Name: "Transpose", Since: 1,
	Bind32: bindTranspose[float32], Bind64: bindTranspose[float64],
	Cases: []Case{
		{Name: "channels last", Attrs: perm(0, 2, 3, 1), In: []Arg{{Shape: []int{5, 3, 4, 2}}}},
		{Name: "oldest opset", Opset: 7, Attrs: perm(0, 2, 1), In: []Arg{{Shape: []int{5, 3, 4}}}},
		{Name: "heads", Attrs: perm(0, 2, 1, 3), In: []Arg{{Shape: []int{5, 3, 4, 2}}}},
		{Name: "nothing", Attrs: perm(0, 1, 2), In: []Arg{{Shape: []int{5, 3, 4}}}},
		{Name: "axes of size one", Attrs: perm(0, 3, 1, 2), In: []Arg{{Shape: []int{5, 1, 4, 1}}}},
		{Name: "two images a sample", Attrs: perm(0, 2, 1), In: []Arg{{Shape: []int{10, 3, 2}}}},
		{Name: "batch last", Attrs: perm(1, 2, 0), In: []Arg{{Shape: []int{5, 3, 4}}}},
		{Name: "reversed", In: []Arg{{Shape: []int{5, 3, 4}}}},
		{Name: "weights", In: []Arg{{Shape: []int{3, 7}, Shared: true}}},
	},
})

// perm is the attribute perm.
func perm(p ...int64) []onnx.Attr { return []onnx.Attr{onnx.Ints("perm", p...)} }

func bindTranspose[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(1, 1, 1); err != nil {
		return nil, err
	}
	x := &n.In[0]
	rank := len(x.Shape)
	order := n.Ints("perm", nil)
	if order == nil {
		for i := range rank {
			order = append(order, int64(rank-1-i))
		}
	}
	if sorted, err := axes(order, rank); err != nil || len(sorted) != rank {
		return nil, fmt.Errorf("perm %v does not reorder %d axes", order, rank)
	}
	steps := make([]int, rank) // of the input's axes
	step := 1
	for i := rank - 1; i >= 0; i-- {
		steps[i] = step
		step *= x.Shape[i]
	}
	// The output's axes beside the first, those merged that are neighbours in
	// the input too.
	shape := make([]int, rank)
	var dims, strides []int
	for i := range shape {
		from, _ := axis(order[i], rank)
		shape[i] = x.Shape[from]
		if last := len(dims) - 1; i > 1 && strides[last] == steps[from]*shape[i] {
			dims[last] *= shape[i]
			strides[last] = steps[from]
			continue
		}
		dims, strides = append(dims, shape[i]), append(strides, steps[from])
	}
	if rank == 0 {
		dims, strides = []int{1}, []int{1}
	}
	if len(dims) > maxAxes {
		return nil, fmt.Errorf("perm %v moves more than %d groups of axes", order, maxAxes)
	}
	first := 0
	if rank > 0 {
		first, _ = axis(order[0], rank)
	}
	batched := x.Batched && first == 0
	p := &permutation[T]{dims: dims[1:], strides: strides, lead: n.count(dims[0], batched)}
	k := result[T](n, shape, batched)
	k.Sets = []int{0}
	k.Forward = []Phase[T]{func(f *Frame[T]) { p.walk(f.N, f.Out[0], f.In[0], there) }}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		switch {
		case f.DIn[0] == nil:
		case f.Fresh[0]:
			p.walk(f.N, f.DOut[0], f.DIn[0], back)
		default:
			p.walk(f.N, f.DOut[0], f.DIn[0], adding)
		}
	}}
	return k, nil
}

// permutation is a bound Transpose: the output in row-major order, with the steps
// that its axes take through the input.
type permutation[T kernel.Float] struct {
	dims    []int // of the output without the first
	strides []int
	lead    count
}

// What a walk over a permutation does.
const (
	there  = iota // it copies the input to the output
	back          // the output to the input
	adding        // it adds the output to the input
)

func (p *permutation[T]) walk(n int, out, in []T, way int) {
	lead, last := p.lead.of(n), len(p.strides)-1
	row, stride := lead, p.strides[last]
	if last > 0 {
		row = p.dims[last-1]
	}
	if row == 0 || len(out) == 0 {
		return
	}
	// Where the last axis but one takes single steps, both are a matrix to turn.
	turned, rows := last > 0 && p.strides[last-1] == 1 && stride > 1 && way != adding, 1
	if turned {
		last--
		rows = lead
		if last > 0 {
			rows = p.dims[last-1]
		}
	}
	var at [maxAxes]int
	for base := 0; len(out) > 0; out = out[rows*row:] {
		line := out[:rows*row]
		switch {
		case turned && way == there:
			kernel.TurnStrided(line, row, in[base:], stride, row, rows)
		case turned:
			kernel.TurnStrided(in[base:], stride, line, row, rows, row)
		case stride == 1 && way == there:
			copy(line, in[base:])
		case stride == 1 && way == back:
			copy(in[base:], line)
		case stride == 1:
			kernel.Add(in[base:base+row], line)
		case way == there:
			for i := range line {
				line[i] = in[base+i*stride]
			}
		case way == back:
			for i, v := range line {
				in[base+i*stride] = v
			}
		default:
			for i, v := range line {
				in[base+i*stride] += v
			}
		}
		for i := last - 1; i >= 0; i-- {
			size := lead
			if i > 0 {
				size = p.dims[i-1]
			}
			at[i]++
			base += p.strides[i]
			if at[i] < size {
				break
			}
			base -= p.strides[i] * size
			at[i] = 0
		}
	}
}
