// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// LogSoftmax: Y = X - ln Σ e^X, the sum over one axis.
//
//	dX = dY - e^Y * Σ dY
//
// https://onnx.ai/onnx/operators/onnx__LogSoftmax.html
// Before opset 13 the sum is over axis and all axes after it, and axis is 1 if not
// given; from 13 on it is over axis alone, which is -1 if not given.
var _ = register(Op{
	Name: "LogSoftmax", Since: 1,
	Bind32: bindLogSoftmax[float32], Bind64: bindLogSoftmax[float64],
	Cases: softmaxCases(),
})

func bindLogSoftmax[T kernel.Float](n *Node) (*Kernel[T], error) {
	return bindRows(n, kernel.RowLogSoftmax[T], kernel.RowLogSoftmaxGrad[T])
}
