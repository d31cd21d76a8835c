// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// Gelu of com.microsoft: Y = X * Φ(X), Φ the standard normal distribution.
//
// https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.Gelu
var _ = register(Op{
	Name: "Gelu", Domain: Microsoft, Since: 1,
	Bind32: bindMicrosoftGelu[float32], Bind64: bindMicrosoftGelu[float64],
	Cases: unaryCases(7, Arg{Lo: -3, Hi: 3}),
})

func bindMicrosoftGelu[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(1, 1, 1); err != nil {
		return nil, err
	}
	n.In = n.In[:1]
	return biased(n, kernel.Gelu[T], kernel.GeluGrad[T])
}
