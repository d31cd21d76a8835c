// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// Expand repeats axes of size one so that the tensor has the shape that it and the
// given one broadcast to. Its gradient sums over the repetitions.
//
// https://onnx.ai/onnx/operators/onnx__Expand.html
// Since opset 8; the shape has to be a constant here. 13 only added types.
var _ = register(Op{
	Name: "Expand", Since: 8, Fixed: []int{1},
	Bind32: bindExpand[float32], Bind64: bindExpand[float64],
	Cases: []Case{
		{Name: "last axis", In: expandTo(false, []int{5, 3, 1}, 5, 3, 4)},
		{Name: "oldest opset", Opset: 8, In: expandTo(false, []int{5, 3, 1}, 5, 3, 4)},
		{Name: "middle axis", In: expandTo(false, []int{5, 1, 3}, 1, 4, 1)},
		{Name: "two axes", In: expandTo(false, []int{5, 1, 3, 1}, 4, 1, 2)},
		{Name: "nothing", In: expandTo(false, []int{5, 3}, 1)},
		{Name: "one sample's weights for all", In: expandTo(true, []int{1, 2, 3}, 5, 2, 3)},
		{Name: "new axes", In: expandTo(true, []int{3, 1}, 2, 4, 1, 2)},
		{Name: "new axis before the batch", In: expandTo(false, []int{5, 3}, 2, 1, 1)},
		{Name: "scalar", In: expandTo(true, []int{}, 2, 3)},
	},
})

// expandTo is an input and the shape it is to take.
func expandTo(shared bool, shape []int, to ...int64) []Arg {
	return []Arg{{Shape: shape, Shared: shared}, {Shape: []int{len(to)}, Ints: to}}
}

func bindExpand[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(2, 2, 1); err != nil {
		return nil, err
	}
	to, err := n.dims(1, "shape")
	if err != nil {
		return nil, err
	}
	in := n.In[0].Shape
	shape, err := broadcast(in, to)
	if err != nil {
		return nil, err
	}
	if err := sized(shape); err != nil {
		return nil, err
	}
	ones := make([]int, len(shape))
	tables := make([][]int, len(shape))
	for i, d := range shape {
		ones[i] = dimFromEnd(in, len(shape)-i)
		tables[i] = make([]int, d)
		if ones[i] == d {
			tables[i] = every(d)
		}
	}
	if !keptRank(n, in, shape) {
		return wholePick[T](n, ones, tables)
	}
	return bindPick[T](n, ones, tables, 0)
}

// keptRank says whether the first axis of a batched input is still the first.
func keptRank(n *Node, in, shape []int) bool { return !n.In[0].Batched || len(in) == len(shape) }

// wholePick binds a pick that does not see the batch, because axes have come
// before it.
func wholePick[T kernel.Float](n *Node, in []int, tables [][]int) (*Kernel[T], error) {
	m := *n
	m.In = append([]Operand{}, n.In...)
	m.In[0].Batched = false
	k, err := bindPick[T](&m, in, tables, 0)
	if err == nil {
		k.Out[0].Batched, k.Whole = false, true
	}
	return k, err
}

// dims reads input i as the constant shape it has to be.
func (n *Node) dims(i int, what string) ([]int, error) {
	list, err := n.ints(i, what)
	if err != nil {
		return nil, err
	}
	shape := make([]int, len(list))
	for j, d := range list {
		shape[j] = int(d)
	}
	return shape, sized(shape)
}
