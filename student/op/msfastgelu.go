// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// FastGelu: Gelu by the hyperbolic tangent, of X plus an optional vector along the last
// axis.
//
// https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.FastGelu
var _ = register(Op{
	Name: "FastGelu", Domain: Microsoft, Since: 1,
	Bind32: bindFastGelu[float32], Bind64: bindFastGelu[float64],
	Cases: biasedCases(false),
})

func bindFastGelu[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(1, 2, 1); err != nil {
		return nil, err
	}
	return biased(n, kernel.GeluTanh[T], kernel.GeluTanhGrad[T])
}
