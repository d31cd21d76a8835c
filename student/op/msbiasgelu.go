// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// BiasGelu: Y = Gelu(A + B), B a vector along the last axis.
//
// https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.BiasGelu
var _ = register(Op{
	Name: "BiasGelu", Domain: Microsoft, Since: 1,
	Bind32: bindBiasGelu[float32], Bind64: bindBiasGelu[float64],
	Cases: biasedCases(true),
})

func bindBiasGelu[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(2, 2, 1); err != nil {
		return nil, err
	}
	return biased(n, kernel.Gelu[T], kernel.GeluGrad[T])
}
