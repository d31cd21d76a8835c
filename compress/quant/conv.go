// SPDX-License-Identifier: Apache-2.0

package quant

import "github.com/kdcompress/kdcompress/onnx"

// Conv becomes QLinearConv, which has an integer output only.
var _ = addRule(rule{
	Op: "Conv", Role: product, Since: 10, Fused: []string{"QLinearConv"}, Data: 1, Output: true,
	Fits: func(w *wiring, n *onnx.Node) string {
		k := w.constant(n.Inputs[1])
		switch {
		case w.float(n.Inputs[1]) == nil:
			return "its weights are not a float constant"
		case len(k.Dims) < 3 || len(k.Dims) > 5:
			return "its weights have no spatial axes"
		case len(n.Inputs) > 2 && n.Inputs[2] != "" && w.float(n.Inputs[2]) == nil:
			return "its bias is not a float constant"
		}
		return ""
	},
	Axis: func(*onnx.Node) int { return 0 },
})
