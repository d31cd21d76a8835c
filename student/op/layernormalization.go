// SPDX-License-Identifier: Apache-2.0

package op

import (
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// LayerNormalization brings the axes from axis on to mean zero and deviation one,
// and scales and shifts them by learned numbers:
//
//	Y = (X - mean) / √(var + epsilon) * scale + B
//
// The variance has divisor n, the number of values. The outputs mean and
// 1 / √(var + epsilon) are computed where the node names them. Statistics are always
// taken in the full precision; stash_type is not read.
//
// https://onnx.ai/onnx/operators/onnx__LayerNormalization.html and
// https://arxiv.org/abs/1607.06450
// Since opset 17; ONNX Runtime's optimiser writes it into older models as well.
var _ = register(Op{
	Name: "LayerNormalization", Since: 1,
	Bind32: bindLayerNormalization[float32], Bind64: bindLayerNormalization[float64],
	Cases: []Case{
		{Name: "features", In: []Arg{{Shape: []int{5, 9}}, {Shape: []int{9}}, {Shape: []int{9}}}},
		{Name: "tokens", In: []Arg{{Shape: []int{5, 3, 16}}, {Shape: []int{16}}, {Shape: []int{16}}}},
		{Name: "oldest opset", Opset: 17, In: []Arg{{Shape: []int{5, 3, 8}}, {Shape: []int{8}}, {Shape: []int{8}}}},
		{Name: "before the standard", Opset: 12, In: []Arg{{Shape: []int{5, 3, 8}}, {Shape: []int{8}}, {Shape: []int{8}}}},
		{Name: "no shift", In: []Arg{{Shape: []int{5, 3, 7}}, {Shape: []int{7}}}},
		{Name: "shift omitted", In: []Arg{{Shape: []int{5, 7}}, {Shape: []int{7}}, {Omit: true}}},
		{Name: "several axes", Attrs: along(1), In: []Arg{{Shape: []int{5, 3, 4}}, {Shape: []int{3, 4}}, {Shape: []int{3, 4}}}},
		{Name: "parameters broadcast", Attrs: along(1), In: []Arg{{Shape: []int{5, 3, 4}}, {Shape: []int{3, 1}}, {Shape: []int{1, 1, 4}}}, NoRuntime: "the runtime wants parameters of the full shape"},
		{Name: "one scale", In: []Arg{{Shape: []int{5, 4}}, {Shape: []int{1}}, {Shape: []int{}}}, NoRuntime: "the runtime wants parameters of the full shape"},
		{Name: "epsilon", Attrs: []onnx.Attr{onnx.Float("epsilon", 0.1)}, In: []Arg{{Shape: []int{5, 7}}, {Shape: []int{7}}, {Shape: []int{7}}}},
		{Name: "large mean", In: []Arg{{Shape: []int{5, 9}, Lo: 100, Hi: 102}, {Shape: []int{9}}, {Shape: []int{9}}}},
		{Name: "statistics", Outputs: 3, In: []Arg{{Shape: []int{5, 3, 6}}, {Shape: []int{6}}, {Shape: []int{6}}}},
		{Name: "two images a sample", In: []Arg{{Shape: []int{10, 4}}, {Shape: []int{4}}, {Shape: []int{4}}}},
		{Name: "over the batch", Attrs: along(0), In: []Arg{{Shape: []int{5, 3}}, {Shape: []int{5, 3}}, {Shape: []int{5, 3}}}},
		{Name: "weights", In: []Arg{{Shape: []int{3, 4}, Shared: true}, {Shape: []int{4}}, {Shape: []int{4}}}},
	},
})

func bindLayerNormalization[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(2, 3, 3); err != nil {
		return nil, err
	}
	r, k, err := newRowNorm[T](n, true)
	if err != nil {
		return nil, err
	}
	shape := slices.Clone(n.In[0].Shape)
	for i := r.axis; i < len(shape); i++ {
		shape[i] = 1
	}
	for range len(n.Outputs) - 1 {
		k.Out = append(k.Out, Operand{Shape: shape, Type: n.In[0].Type, Batched: k.Out[0].Batched})
	}
	return k, nil
}
