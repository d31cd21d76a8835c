// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
)

// Fusion is what ONNX Runtime makes of a model with integers on this processor.
type Fusion struct {
	// Operators counts the nodes of the optimised graph.
	Operators map[string]int
	// Integer counts those that compute weighted sums with integers.
	Integer int
	// Stray are nodes between QuantizeLinear and DequantizeLinear that the runtime
	// left in float, by operator and name.
	Stray []string
}

// integerProducts are ONNX Runtime's weighted sums over integers.
var integerProducts = []string{"QLinearConv", "QGemm", "QLinearMatMul", "MatMulIntegerToFloat", "DynamicQuantizeMatMul", "MatMulInteger"}

// Fused looks at the optimised graph of a model.
func Fused(model []byte) (Fusion, error) {
	m, err := ort.Optimised(model)
	if err != nil {
		return Fusion{}, err
	}
	f := Fusion{Operators: map[string]int{}}
	producer := m.Graph.Producers()
	for _, n := range m.Graph.Nodes {
		f.Operators[n.OpType]++
		if slices.Contains(integerProducts, n.OpType) {
			f.Integer++
		}
		if n.OpType == "Conv" || n.OpType == "FusedConv" || n.OpType == "Gemm" || n.OpType == "FusedGemm" || n.OpType == "MatMul" || n.OpType == "FusedMatMul" {
			for _, in := range n.Inputs {
				if p := producer[in]; p != nil && p.OpType == "DequantizeLinear" && isConstant(m.Graph, p.Inputs[0]) {
					f.Stray = append(f.Stray, n.OpType+" "+title(n))
					break
				}
			}
		}
	}
	return f, nil
}

func isConstant(g *onnx.Graph, name string) bool { return g.Initializer(name) != nil }
