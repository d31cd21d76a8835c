// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// ReduceMin is the smallest element over axes. Of several the first in memory takes the
// gradient. A NaN wins.
//
// https://onnx.ai/onnx/operators/onnx__ReduceMin.html
// Opset 11 allowed negative axes, 18 made the axes an input and brought
// noop_with_empty_axes; 12, 13 and 20 only added types.
var _ = register(Op{
	Name: "ReduceMin", Since: 1, Fixed: []int{1},
	Bind32: bindReduceMin[float32], Bind64: bindReduceMin[float64],
	Cases: reduceExtremeCases(),
})

func bindReduceMin[T kernel.Float](n *Node) (*Kernel[T], error) {
	return bindReduceExtreme(n, reducer[T]{begin: T(math.Inf(1)), take: takeMin[T]})
}

func takeMin[T kernel.Float](y, x []T) {
	if len(y) == len(x) {
		for i, v := range x {
			y[i] = min(y[i], v)
		}
		return
	}
	best := y[0]
	for _, v := range x { // a branch seldom taken is quicker than a chain of min
		if v < best || v != v {
			best = v
		}
	}
	y[0] = best
}
