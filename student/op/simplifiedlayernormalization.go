// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/onnx"

// SimplifiedLayerNormalization is RMSNormalization under the name ONNX Runtime's optimiser
// has for it, in the domain of the standard.
var _ = register(Op{
	Name: "SimplifiedLayerNormalization", Since: 1,
	Bind32: bindRMSNormalization[float32], Bind64: bindRMSNormalization[float64],
	Cases: []Case{
		{Name: "features", Opset: 17, In: []Arg{{Shape: []int{5, 9}}, {Shape: []int{9}}}},
		{Name: "tokens", Opset: 17, Attrs: []onnx.Attr{onnx.Float("epsilon", 0.1)}, In: []Arg{{Shape: []int{5, 3, 16}}, {Shape: []int{16}}}},
	},
})
