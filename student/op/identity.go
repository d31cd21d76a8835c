// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// Identity: Y = X.
//
// https://onnx.ai/onnx/operators/onnx__Identity.html
// Later opsets only added types.
var _ = register(Op{
	Name: "Identity", Since: 1,
	Bind32: bindIdentity[float32], Bind64: bindIdentity[float64],
	Cases: unaryCases(7, Arg{}),
})

func bindIdentity[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(1, 1, 1); err != nil {
		return nil, err
	}
	return view[T](n, n.In[0].Shape), nil
}
