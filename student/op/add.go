// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// Add: C = A + B, with broadcasting.
//
// https://onnx.ai/onnx/operators/onnx__Add.html
// Opset 7 brought numpy's broadcasting; 13 and 14 only added types.
var _ = register(Op{
	Name: "Add", Since: 7,
	Bind32: bindAdd[float32], Bind64: bindAdd[float64],
	Cases: binaryCases(7, -1, 1),
})

func bindAdd[T kernel.Float](n *Node) (*Kernel[T], error) {
	grad := func(g, dy, _, _ []T) { addTo(g, dy, 1) }
	return binary[T]{fwd: add[T], da: grad, db: grad, passA: true, passB: true}.bind(n)
}

func add[T kernel.Float](out, a, b []T) {
	if len(a) != len(out) {
		a, b = b, a
	}
	a = a[:len(out)]
	if len(b) != len(out) {
		s := b[0]
		for i, v := range a {
			out[i] = v + s
		}
		return
	}
	kernel.AddTo(out, a, b)
}
