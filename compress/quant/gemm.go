// SPDX-License-Identifier: Apache-2.0

package quant

import "github.com/kdcompress/kdcompress/onnx"

// Gemm becomes QGemm, whose output may be float.
var _ = addRule(rule{
	Op: "Gemm", Role: product, Since: 10, Fused: []string{"QGemm"}, Data: 1,
	Fits: func(w *wiring, n *onnx.Node) string {
		k := w.constant(n.Inputs[1])
		switch {
		case w.float(n.Inputs[1]) == nil || len(k.Dims) != 2:
			return "its weights are not a float constant"
		case n.Int("transA", 0) != 0:
			return "it transposes its input"
		case n.Float("beta", 1) != 1 || n.Float("alpha", 1) != 1:
			return "it scales its operands"
		}
		wide := k.Dims[1]
		if n.Int("transB", 0) != 0 {
			wide = k.Dims[0]
		}
		if len(n.Inputs) > 2 && n.Inputs[2] != "" {
			if b := w.constant(n.Inputs[2]); w.float(n.Inputs[2]) == nil || b.Len() != int(wide) || len(b.Dims) > 2 {
				return "its bias is not one constant number a feature"
			}
		}
		return ""
	},
	Axis: func(n *onnx.Node) int {
		if n.Int("transB", 0) != 0 {
			return 0
		}
		return 1
	},
})
