// SPDX-License-Identifier: Apache-2.0

package op

import (
	"errors"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// NonZero lists the positions of the elements that are not zero, a column each, a
// row an axis. How many there are has to be known when the graph is bound, so its
// input has to be a constant.
//
// https://onnx.ai/onnx/operators/onnx__NonZero.html
// Since opset 9; 13 only added types.
var _ = register(Op{
	Name: "NonZero", Since: 9, Fixed: []int{0}, Stops: true,
	Bind32: bindNonZero[float32], Bind64: bindNonZero[float64],
	Cases: []Case{
		{Name: "matrix", In: []Arg{{Shape: []int{2, 3}, Floats: []float64{1, 0, -2, 0, 0, 0.5}, Shared: true}}, ForwardOnly: true},
		{Name: "oldest opset", Opset: 9, In: []Arg{{Shape: []int{2, 3}, Floats: []float64{1, 0, -2, 0, 0, 0.5}, Shared: true}}, ForwardOnly: true},
		{Name: "integers", In: []Arg{{Shape: []int{4}, Ints: []int64{0, 3, 0, 4}, Shared: true}}, ForwardOnly: true},
		{Name: "zeros", In: []Arg{{Shape: []int{2, 2}, Ints: []int64{0, 0, 0, 0}, Shared: true}}, ForwardOnly: true},
	},
})

func bindNonZero[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(1, 1, 1); err != nil {
		return nil, err
	}
	if n.In[0].Const == nil {
		return nil, errors.New("input 0 is computed; the number of its elements that are not zero has to be known beforehand")
	}
	v, err := onnx.Values[float64](n.In[0].Const)
	if err != nil {
		return nil, err
	}
	shape := n.In[0].Shape
	rows := make([][]int64, len(shape))
	pos := make([]int, len(shape))
	for _, x := range v {
		for i, p := range pos {
			if x != 0 {
				rows[i] = append(rows[i], int64(p))
			}
		}
		advance(pos, shape)
	}
	columns := 0
	var all []int64
	for _, r := range rows {
		columns = len(r)
		all = append(all, r...)
	}
	return known[T](onnx.NewInt64("", []int64{int64(len(rows)), int64(columns)}, all), onnx.Int64)
}
