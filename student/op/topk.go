// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// TopK finds the k largest, or smallest, elements along an axis and where they are,
// the first of equal ones first. k has to be a constant here. The gradient of a
// value goes to the element it came from. The result is always sorted.
//
// https://onnx.ai/onnx/operators/onnx__TopK.html
// Opset 10 made k an input, 11 brought largest and sorted; 1 is read too.
var _ = register(Op{
	Name: "TopK", Since: 1, Fixed: []int{1},
	Bind32: bindTopK[float32], Bind64: bindTopK[float64],
	Cases: []Case{
		{Name: "largest", Outputs: 2, In: topKOf([]int{5, 7}, 3)},
		{Name: "smallest", Attrs: []onnx.Attr{onnx.Int("largest", 0)}, Outputs: 2, In: topKOf([]int{5, 7}, 3)},
		{Name: "middle axis", Attrs: along(1), Outputs: 2, In: topKOf([]int{5, 4, 3}, 2)},
		{Name: "all", Outputs: 2, In: topKOf([]int{5, 6}, 6)},
		{Name: "two images a sample", Outputs: 2, In: topKOf([]int{10, 4}, 1)},
		{Name: "samples", Attrs: along(0), Outputs: 2, In: topKOf([]int{5, 3}, 2)},
		{Name: "opset 10", Opset: 10, Outputs: 2, In: topKOf([]int{5, 7}, 3)},
		{Name: "oldest opset", Opset: 7, Attrs: []onnx.Attr{onnx.Int("k", 2)}, Outputs: 2, In: topKOf([]int{5, 7}, 2)[:1]},
	},
})

// topKOf is a batched input and k.
func topKOf(shape []int, k int64) []Arg {
	return []Arg{{Shape: shape, Distinct: true}, {Shape: []int{1}, Ints: []int64{k}}}
}

func bindTopK[T kernel.Float](n *Node) (*Kernel[T], error) {
	inputs := 2
	if n.Opset < 10 {
		inputs = 1
	}
	if err := n.arity(inputs, inputs, 2); err != nil {
		return nil, err
	}
	amount := float64(n.Int("k", 0))
	if inputs == 2 {
		var err error
		if amount, err = n.scalar(1, "K", 0); err != nil {
			return nil, err
		}
	}
	x := &n.In[0]
	at, err := axis(n.Int("axis", -1), len(x.Shape))
	if err != nil {
		return nil, err
	}
	d := x.Shape[at]
	if !(amount >= 0 && amount <= float64(d)) {
		return nil, fmt.Errorf("%v elements of an axis of %d", amount, d)
	}
	most := int(amount)
	shape := slices.Clone(x.Shape)
	shape[at] = most
	batched := x.Batched && at > 0
	outer, inner := n.count(Len(shape[:at]), batched), Len(shape[at+1:])
	larger := n.Int("largest", 1) != 0
	k := result[T](n, shape, batched)
	k.Out = append(k.Out, Operand{Shape: shape, Type: onnx.Int64, Batched: batched})
	k.ReadsOut = []int{1}
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		if most == 0 {
			return
		}
		x, y, where := f.In[0], f.Out[0], f.Out[1]
		for range outer.of(f.N) {
			for i := range inner {
				topLine(y[i:], where[i:], x[i:], d, most, inner, larger)
			}
			x, y, where = x[d*inner:], y[most*inner:], where[most*inner:]
		}
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		dx, dy, where := f.DIn[0], f.DOut[0], f.Out[1]
		if dx == nil || dy == nil {
			return
		}
		for range outer.of(f.N) {
			for j, v := range dy[:most*inner] {
				dx[int(where[j])*inner+j%inner] += v
			}
			dx, dy, where = dx[d*inner:], dy[most*inner:], where[most*inner:]
		}
	}}
	return k, nil
}

// topLine sorts the first elements of a line of d, step apart, into y.
func topLine[T kernel.Float](y, where, x []T, d, most, step int, larger bool) {
	have := 0
	for i := range d {
		v := x[i*step]
		j := have
		for j > 0 {
			if w := y[(j-1)*step]; w == v || (w > v) == larger {
				break
			}
			j--
		}
		if j == most {
			continue
		}
		have = min(have+1, most)
		for p := have - 1; p > j; p-- {
			y[p*step], where[p*step] = y[(p-1)*step], where[(p-1)*step]
		}
		y[j*step], where[j*step] = v, T(i)
	}
}
