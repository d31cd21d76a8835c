// SPDX-License-Identifier: Apache-2.0

package quant

import "github.com/kdcompress/kdcompress/onnx"

// Concat becomes QLinearConcat, whose operands may have scales of their own.
var _ = addRule(rule{
	Op: "Concat", Role: arithmetic, Since: 10, Fused: []string{"QLinearConcat"},
	Fits: func(w *wiring, n *onnx.Node) string {
		for _, in := range n.Inputs {
			if w.init[in] != nil {
				return "one of its operands is a constant"
			}
		}
		return ""
	},
})
