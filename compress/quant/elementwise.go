// SPDX-License-Identifier: Apache-2.0

package quant

import "github.com/kdcompress/kdcompress/onnx"

// Sums and products of two activations become QLinearAdd and QLinearMul.
var (
	_ = addRule(rule{Op: "Add", Role: arithmetic, Since: 10, Fused: []string{"QLinearAdd"}, Fits: twoActivations})
	_ = addRule(rule{Op: "Mul", Role: arithmetic, Since: 10, Fused: []string{"QLinearMul"}, Fits: twoActivations})
)

func twoActivations(w *wiring, n *onnx.Node) string {
	for _, in := range n.Inputs {
		if w.init[in] != nil {
			return "one of its operands is a constant"
		}
	}
	return ""
}
