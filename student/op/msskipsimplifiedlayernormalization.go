// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// SkipSimplifiedLayerNormalization is RMSNormalization over the last axis of input + skip +
// bias, with inputs input, skip, gamma and bias, which may be omitted. Of the outputs the
// first and the last, the sum, are computed.
//
// https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.SkipSimplifiedLayerNormalization
var _ = register(Op{
	Name: "SkipSimplifiedLayerNormalization", Domain: Microsoft, Since: 1,
	Bind32: bindSkipSimplified[float32], Bind64: bindSkipSimplified[float64],
	Cases: skipCases(false),
})

func bindSkipSimplified[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(3, 4, 4); err != nil {
		return nil, err
	}
	return bindSkipNorm[T](n, false, 0, 3)
}
