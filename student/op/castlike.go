// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// CastLike converts the element type to that of input 1, of which nothing else is
// read. It is otherwise like Cast.
//
// https://onnx.ai/onnx/operators/onnx__CastLike.html
// Since opset 15; later opsets added types and what concerns 8-bit floats alone.
var _ = register(Op{
	Name: "CastLike", Since: 15,
	Bind32: bindCastLike[float32], Bind64: bindCastLike[float64],
	Cases: []Case{
		{Name: "floats", In: []Arg{{Shape: []int{5, 7}}, {Shape: []int{2}}}},
		{Name: "oldest opset", Opset: 15, In: []Arg{{Shape: []int{5, 7}}, {Shape: []int{2}}}},
		{Name: "to int64", In: []Arg{{Shape: []int{5, 7}, Lo: -5, Hi: 5}, {Shape: []int{1}, Ints: []int64{0}}}, ForwardOnly: true},
		{Name: "from int32", In: []Arg{{Shape: []int{5, 7}, Lo: -5, Hi: 5, Type: onnx.Int32}, {Shape: []int{}}}, ForwardOnly: true},
		{Name: "weights", In: []Arg{{Shape: []int{3, 4}, Shared: true}, {Shape: []int{}}}},
	},
})

func bindCastLike[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(2, 2, 1); err != nil {
		return nil, err
	}
	return castTo[T](n, n.In[1].Type)
}
