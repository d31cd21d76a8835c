// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// QuickGelu: Y = X / (1 + e^(-alpha * X)), alpha 1.702 if not given.
//
// https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.QuickGelu
var _ = register(Op{
	Name: "QuickGelu", Domain: Microsoft, Since: 1,
	Bind32: bindQuickGelu[float32], Bind64: bindQuickGelu[float64],
	Cases: unaryCases(7, Arg{Lo: -3, Hi: 3}),
})

func bindQuickGelu[T kernel.Float](n *Node) (*Kernel[T], error) {
	alpha := T(n.Float("alpha", 1.702))
	return unary[T]{
		fwd:   func(y, x []T) { kernel.Swish(y, x, alpha) },
		bwd:   func(dx, dy, x, _ []T) { kernel.SwishGrad(dx, dy, x, alpha) },
		readX: true,
	}.plain(n)
}
