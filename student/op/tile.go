// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Tile repeats a tensor a number of times along every axis.
//
// https://onnx.ai/onnx/operators/onnx__Tile.html
// Opset 6 gave every axis a number of its own, which has to be a constant here; 13
// only added types.
var _ = register(Op{
	Name: "Tile", Since: 6, Fixed: []int{1},
	Bind32: bindTile[float32], Bind64: bindTile[float64],
	Cases: []Case{
		{Name: "channels", In: expandTo(false, []int{5, 3, 2}, 1, 2, 1)},
		{Name: "oldest opset", Opset: 7, In: expandTo(false, []int{5, 3, 2}, 1, 2, 1)},
		{Name: "last axes", In: expandTo(false, []int{5, 2, 3}, 1, 3, 2)},
		{Name: "once", In: expandTo(false, []int{5, 2}, 1, 1)},
		{Name: "samples", In: expandTo(false, []int{5, 2}, 2, 1)},
		{Name: "one sample's weights for all", In: expandTo(true, []int{1, 2, 3}, 5, 1, 2)},
		{Name: "weights", In: expandTo(true, []int{3, 2}, 2, 3)},
	},
})

func bindTile[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(2, 2, 1); err != nil {
		return nil, err
	}
	times, err := n.dims(1, "repeats")
	if err != nil {
		return nil, err
	}
	in := n.In[0].Shape
	if len(times) != len(in) {
		return nil, fmt.Errorf("%d repeats for shape %v", len(times), in)
	}
	shape := make([]int, len(in))
	tables := make([][]int, len(in))
	for i, d := range in {
		if err := sized([]int{d, times[i]}); err != nil {
			return nil, err
		}
		shape[i] = d * times[i]
	}
	if err := sized(shape); err != nil {
		return nil, err
	}
	for i, d := range in {
		tables[i] = make([]int, shape[i])
		for j := range tables[i] {
			tables[i][j] = j % d
		}
	}
	return bindPick[T](n, in, tables, 0)
}
