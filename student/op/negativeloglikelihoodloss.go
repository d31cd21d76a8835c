// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// NegativeLogLikelihoodLoss: of logarithms of probabilities [N, C, ...] the negative ones
// of the target classes [N, ...], weighted by class; reduced to their sum or weighted mean,
// or not. Targets equal to ignore_index do not count.
//
// https://onnx.ai/onnx/operators/onnx__NegativeLogLikelihoodLoss.html
// Since opset 12; others only added types.
var _ = register(Op{
	Name: "NegativeLogLikelihoodLoss", Since: 12, Fixed: []int{1, 2},
	Bind32: bindNegativeLogLikelihoodLoss[float32], Bind64: bindNegativeLogLikelihoodLoss[float64],
	Cases: classLossCases(12),
})

func bindNegativeLogLikelihoodLoss[T kernel.Float](n *Node) (*Kernel[T], error) {
	l, k, err := newClassLoss[T](n, 1)
	if err != nil {
		return nil, err
	}
	k.ReadsIn = []int{1, 2}[:len(n.In)-1]
	k.Forward = []Phase[T]{func(f *Frame[T]) { l.forward(f, f.In[0]) }}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		if f.DIn[0] != nil {
			l.backward(f, f.DIn[0])
		}
	}}
	return k, nil
}
