// SPDX-License-Identifier: Apache-2.0

package quant

import "github.com/kdcompress/kdcompress/onnx"

// MatMul becomes QLinearMatMul, or MatMulIntegerToFloat where its output stays
// float. The product of two activations, as in attention, stays in float: both
// sides would be rounded, for a small share of the work.
var _ = addRule(rule{
	Op: "MatMul", Role: product, Since: 10, Fused: []string{"QLinearMatMul", "MatMulIntegerToFloat"}, Data: 1,
	Fits: func(w *wiring, n *onnx.Node) string {
		if k := w.constant(n.Inputs[1]); w.float(n.Inputs[1]) == nil || len(k.Dims) != 2 {
			return "it multiplies two activations, or its weights are not a float matrix"
		}
		return ""
	},
	Axis: func(*onnx.Node) int { return 1 },
})
