// SPDX-License-Identifier: Apache-2.0

package onnx

// quantized are the operators that read integers for numbers: which inputs may be
// such weights, and which are scales. The name alone tells: com.microsoft has more of
// the kind under ai.onnx's rules.
var quantized = map[string]struct{ weights, scales []int }{
	"QuantizeLinear":   {nil, []int{1}},
	"DequantizeLinear": {[]int{0}, []int{1}},
	"MatMulInteger":    {[]int{0, 1}, nil},
	"ConvInteger":      {[]int{0, 1}, nil},
	"QLinearMatMul":    {[]int{0, 3}, []int{1, 4, 6}},
	"QLinearConv":      {[]int{0, 3, 8}, []int{1, 4, 6}},
	"QGemm":            {[]int{0, 3, 6}, []int{1, 4, 7}},
	"QLinearAdd":       {[]int{0, 3}, []int{1, 4, 6}},
	"QLinearMul":       {[]int{0, 3}, []int{1, 4, 6}},

	"QLinearGlobalAveragePool": {nil, []int{1, 3}},
	"QLinearAveragePool":       {nil, []int{1, 3}},
	"QLinearSigmoid":           {nil, []int{1, 3}},
	"QLinearLeakyRelu":         {nil, []int{1, 3}},
	"QLinearSoftmax":           {nil, []int{1, 3}},
}

// Params counts the numbers that a model has learned: floating-point initializers,
// and integers that stand for numbers, without the scales they stand under.
func (g *Graph) Params() int64 {
	stands, scale := map[string]bool{}, map[string]bool{}
	for _, n := range g.Nodes {
		q := quantized[n.OpType]
		for _, i := range q.weights {
			if i < len(n.Inputs) {
				stands[n.Inputs[i]] = true
			}
		}
		for _, i := range q.scales {
			if i < len(n.Inputs) {
				scale[n.Inputs[i]] = true
			}
		}
	}
	var n int64
	for _, t := range g.Initializers {
		if t.Type.IsFloat() && !scale[t.Name] || stands[t.Name] {
			n += int64(t.Len())
		}
	}
	return n
}
