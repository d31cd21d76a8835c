// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// Sub: C = A - B, with broadcasting.
//
// https://onnx.ai/onnx/operators/onnx__Sub.html
// Opset 7 brought numpy's broadcasting; 13 and 14 only added types.
var _ = register(Op{
	Name: "Sub", Since: 7,
	Bind32: bindSub[float32], Bind64: bindSub[float64],
	Cases: binaryCases(7, -1, 1),
})

func bindSub[T kernel.Float](n *Node) (*Kernel[T], error) {
	return binary[T]{
		fwd:   sub[T],
		da:    func(g, dy, _, _ []T) { addTo(g, dy, 1) },
		db:    func(g, dy, _, _ []T) { addTo(g, dy, -1) },
		passA: true,
	}.bind(n)
}

func sub[T kernel.Float](out, a, b []T) {
	switch {
	case len(b) != len(out):
		s := b[0]
		for i, v := range a {
			out[i] = v - s
		}
	case len(a) != len(out):
		s := a[0]
		for i, v := range b {
			out[i] = s - v
		}
	default:
		b = b[:len(a)]
		for i, v := range a {
			out[i] = v - b[i]
		}
	}
}
