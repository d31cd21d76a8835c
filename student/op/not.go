// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Not: Y = whether X does not hold, as one or zero. No gradient passes.
//
// https://onnx.ai/onnx/operators/onnx__Not.html
// Since opset 1.
var _ = register(Op{
	Name: "Not", Since: 1, Stops: true,
	Bind32: bindNot[float32], Bind64: bindNot[float64],
	Cases: forwardOnly(unaryCases(7, Arg{Hi: 2, Type: onnx.Bool})),
})

func bindNot[T kernel.Float](n *Node) (*Kernel[T], error) {
	return test(n, func(v T) bool { return v == 0 })
}
