// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Slice takes every step-th position from start on and before end along the axes
// listed, or the first ones. Negative bounds count from the end; bounds outside
// are moved to it.
//
// https://onnx.ai/onnx/operators/onnx__Slice.html
// Opset 10 made the bounds inputs, which have to be constants here, and brought
// steps; 11 allowed negative axes and steps; 13 only added types.
var _ = register(Op{
	Name: "Slice", Since: 1, Fixed: []int{1, 2, 3, 4},
	Bind32: bindSlice[float32], Bind64: bindSlice[float64],
	Cases: []Case{
		{Name: "channels", In: sliceOf([]int{5, 4, 3, 2}, []int64{1}, []int64{3}, []int64{1}, nil)},
		{Name: "last axis", In: sliceOf([]int{5, 3, 7}, []int64{-5}, []int64{-1}, []int64{-1}, []int64{1})},
		{Name: "every other position", In: sliceOf([]int{5, 7, 8}, []int64{0, 1}, []int64{100, 1 << 40}, []int64{1, 2}, []int64{2, 3})},
		{Name: "backwards", In: sliceOf([]int{5, 3, 6}, []int64{-1}, []int64{-1 << 40}, []int64{2}, []int64{-1})},
		{Name: "backwards by two", In: sliceOf([]int{5, 7, 2}, []int64{5}, []int64{0}, []int64{1}, []int64{-2})},
		{Name: "whole batch kept", In: sliceOf([]int{5, 4}, []int64{0, 1}, []int64{1 << 60, 3}, nil, nil)},
		{Name: "part of the batch", In: sliceOf([]int{5, 4}, []int64{1}, []int64{3}, []int64{0}, nil)},
		{Name: "two images a sample", In: sliceOf([]int{10, 4}, []int64{1}, []int64{3}, []int64{1}, nil)},
		{Name: "three axes", In: sliceOf([]int{5, 4, 4, 4}, []int64{1, 0, 2}, []int64{3, 3, 4}, []int64{1, 2, 3}, nil)},
		{Name: "attributes", Opset: 9, Attrs: []onnx.Attr{onnx.Ints("starts", 1, -2), onnx.Ints("ends", 3, 100), onnx.Ints("axes", 1, 2)}, In: []Arg{{Shape: []int{5, 4, 3}}}},
		{Name: "oldest opset", Opset: 7, Attrs: []onnx.Attr{onnx.Ints("starts", 0, 1), onnx.Ints("ends", 5, 3)}, In: []Arg{{Shape: []int{5, 4, 3}}}},
		{Name: "weights", In: func() []Arg {
			args := sliceOf([]int{4, 3}, []int64{1}, []int64{3}, nil, nil)
			args[0].Shared = true
			return args
		}()},
	},
})

// sliceOf is a batched input and its bounds; nil axes or steps are omitted.
func sliceOf(shape []int, starts, ends, axes, steps []int64) []Arg {
	list := func(v []int64) Arg {
		if v == nil {
			return Arg{Omit: true}
		}
		return Arg{Shape: []int{len(v)}, Ints: v}
	}
	return []Arg{{Shape: shape}, list(starts), list(ends), list(axes), list(steps)}
}

func bindSlice[T kernel.Float](n *Node) (*Kernel[T], error) {
	var starts, ends, over, steps []int64
	if n.Opset < 10 {
		if err := n.arity(1, 1, 1); err != nil {
			return nil, err
		}
		starts, ends, over = n.Ints("starts", nil), n.Ints("ends", nil), n.Ints("axes", nil)
	} else {
		if err := n.arity(3, 5, 1); err != nil {
			return nil, err
		}
		for i, into := range []*[]int64{&starts, &ends, &over, &steps} {
			if !n.Has(i + 1) {
				continue
			}
			var err error
			if *into, err = n.ints(i+1, [...]string{"starts", "ends", "axes", "steps"}[i]); err != nil {
				return nil, err
			}
		}
	}
	x := &n.In[0]
	if len(starts) != len(ends) || (over != nil && len(over) != len(starts)) || (steps != nil && len(steps) != len(starts)) {
		return nil, fmt.Errorf("%d starts, %d ends, %d axes and %d steps", len(starts), len(ends), len(over), len(steps))
	}
	if over == nil {
		for i := range starts {
			over = append(over, int64(i))
		}
	}
	if _, err := axes(over, len(x.Shape)); err != nil {
		return nil, err
	}
	tables := keepAll(x.Shape)
	for i, a := range over {
		at, _ := axis(a, len(x.Shape))
		step := int64(1)
		if steps != nil {
			step = steps[i]
		}
		if step == 0 {
			return nil, fmt.Errorf("the step of axis %d is zero", at)
		}
		tables[at] = sliceTable(int64(x.Shape[at]), starts[i], ends[i], step)
	}
	return bindPick[T](n, x.Shape, tables, 0)
}

// keepAll are the tables that keep every axis of a shape.
func keepAll(shape []int) [][]int {
	tables := make([][]int, len(shape))
	for i, d := range shape {
		tables[i] = every(d)
	}
	return tables
}

// sliceTable lists the positions of a slice of an axis of d positions.
func sliceTable(d, start, end, step int64) []int {
	fromEnd := func(v int64) int64 {
		if v < 0 {
			v += d
		}
		return v
	}
	t := []int{}
	if step > 0 {
		for i := min(max(fromEnd(start), 0), d); i < min(fromEnd(end), d); {
			t = append(t, int(i))
			if step >= d {
				break
			}
			i += step
		}
		return t
	}
	for i := min(fromEnd(start), d-1); i > max(fromEnd(end), -1) && i >= 0; {
		t = append(t, int(i))
		if step <= -d {
			break
		}
		i += step
	}
	return t
}
