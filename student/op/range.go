// SPDX-License-Identifier: Apache-2.0

package op

import (
	"errors"
	"fmt"
	"math"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Range counts from start in steps of delta to before limit. The three have to be
// constants here.
//
// https://onnx.ai/onnx/operators/onnx__Range.html
// Since opset 11.
var _ = register(Op{
	Name: "Range", Since: 11, Fixed: []int{0, 1, 2}, Stops: true,
	Bind32: bindRange[float32], Bind64: bindRange[float64],
	Cases: []Case{
		{Name: "integers", In: rangeOf(Arg{Ints: []int64{2}}, Arg{Ints: []int64{9}}, Arg{Ints: []int64{3}}), ForwardOnly: true},
		{Name: "oldest opset", Opset: 11, In: rangeOf(Arg{Ints: []int64{2}}, Arg{Ints: []int64{9}}, Arg{Ints: []int64{3}}), ForwardOnly: true},
		{Name: "downwards", In: rangeOf(Arg{Ints: []int64{3}}, Arg{Ints: []int64{-3}}, Arg{Ints: []int64{-2}}), ForwardOnly: true},
		{Name: "nothing", In: rangeOf(Arg{Ints: []int64{3}}, Arg{Ints: []int64{3}}, Arg{Ints: []int64{1}}), ForwardOnly: true},
		{Name: "floats", In: rangeOf(Arg{Floats: []float64{0.5}}, Arg{Floats: []float64{2}}, Arg{Floats: []float64{0.25}}), ForwardOnly: true},
	},
})

// rangeOf are three scalars, none of them batched.
func rangeOf(start, limit, delta Arg) []Arg {
	args := []Arg{start, limit, delta}
	for i := range args {
		args[i].Shape = []int{}
	}
	args[0].Shared = true
	return args
}

func bindRange[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(3, 3, 1); err != nil {
		return nil, err
	}
	var v [3]float64
	for i, what := range []string{"start", "limit", "delta"} {
		var err error
		if v[i], err = n.scalar(i, what, 0); err != nil {
			return nil, err
		}
	}
	if v[2] == 0 {
		return nil, errors.New("delta is zero")
	}
	count := math.Max(math.Ceil((v[1]-v[0])/v[2]), 0)
	if !(count <= maxElements) {
		return nil, fmt.Errorf("%v to %v in steps of %v are more than %d numbers", v[0], v[1], v[2], maxElements)
	}
	dims := []int64{int64(count)}
	if !n.In[0].Type.IsFloat() {
		list := make([]int64, int(count))
		for i := range list {
			list[i] = int64(v[0]) + int64(i)*int64(v[2])
		}
		return known[T](onnx.NewInt64("", dims, list), n.In[0].Type)
	}
	list := make([]float32, int(count))
	for i := range list {
		list[i] = float32(v[0] + float64(i)*v[2])
	}
	return known[T](onnx.NewFloat32("", dims, list), n.In[0].Type)
}
