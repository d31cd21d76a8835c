// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// RMSNormalization divides the axes from axis on by the root of their mean square
// and scales them by learned numbers:
//
//	Y = X / √(mean(X²) + epsilon) * scale
//
// The mean is always taken in the full precision; stash_type is not read.
//
// https://onnx.ai/onnx/operators/onnx__RMSNormalization.html and
// https://arxiv.org/abs/1910.07467
// Since opset 23.
var _ = register(Op{
	Name: "RMSNormalization", Since: 23,
	Bind32: bindRMSNormalization[float32], Bind64: bindRMSNormalization[float64],
	Cases: []Case{
		{Name: "features", Opset: 23, In: []Arg{{Shape: []int{5, 9}}, {Shape: []int{9}}}},
		{Name: "tokens", Opset: 23, In: []Arg{{Shape: []int{5, 3, 16}}, {Shape: []int{16}}}},
		{Name: "several axes", Opset: 23, Attrs: along(1), In: []Arg{{Shape: []int{5, 3, 4}}, {Shape: []int{3, 4}}}},
		{Name: "scale broadcasts", Opset: 23, Attrs: along(-2), In: []Arg{{Shape: []int{5, 3, 4}}, {Shape: []int{3, 1}}}, NoRuntime: "the runtime wants a scale of the full shape"},
		{Name: "epsilon", Opset: 23, Attrs: []onnx.Attr{onnx.Float("epsilon", 0.1)}, In: []Arg{{Shape: []int{5, 7}}, {Shape: []int{7}}}},
		{Name: "weights", Opset: 23, In: []Arg{{Shape: []int{3, 4}, Shared: true}, {Shape: []int{4}}}},
	},
})

func bindRMSNormalization[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(2, 2, 1); err != nil {
		return nil, err
	}
	_, k, err := newRowNorm[T](n, false)
	return k, err
}
