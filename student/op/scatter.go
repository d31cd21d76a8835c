// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/onnx"

// Scatter is the name that ScatterElements had in opsets 9 and 10.
//
// https://onnx.ai/onnx/operators/onnx__Scatter.html
var _ = register(Op{
	Name: "Scatter", Since: 9,
	Bind32: bindScatterElements[float32], Bind64: bindScatterElements[float64],
	Cases: []Case{
		{Name: "a class a sample", Opset: 10, Attrs: along(1), In: []Arg{{Shape: []int{5, 4}}, {Shape: []int{5, 1}, Lo: 0, Hi: 4, Type: onnx.Int64, Batched: true}, {Shape: []int{5, 1}, Batched: true}}},
		{Name: "oldest opset", Opset: 9, In: []Arg{{Shape: []int{5, 2}}, {Shape: []int{2, 2}, Ints: []int64{4, 0, 2, 3}}, {Shape: []int{2, 2}}}},
	},
})
