// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// SpaceToDepth turns squares of b by b positions of X[N, C, H, W] into b*b times as
// many channels, the position in the square being the slower part of the channel's
// number. It is the inverse of DepthToSpace in mode DCR.
//
// https://onnx.ai/onnx/operators/onnx__SpaceToDepth.html
// Since opset 1; 13 only added types.
var _ = register(Op{
	Name: "SpaceToDepth", Since: 1,
	Bind32: bindSpaceToDepth[float32], Bind64: bindSpaceToDepth[float64],
	Cases: []Case{
		{Name: "two", Attrs: blocks(2), In: []Arg{{Shape: []int{5, 3, 4, 6}}}},
		{Name: "oldest opset", Opset: 7, Attrs: blocks(2), In: []Arg{{Shape: []int{5, 3, 4, 6}}}},
		{Name: "three", Attrs: blocks(3), In: []Arg{{Shape: []int{5, 2, 3, 6}}}},
		{Name: "two images a sample", Attrs: blocks(2), In: []Arg{{Shape: []int{10, 1, 2, 2}}}},
		{Name: "weights", Attrs: blocks(2), In: []Arg{{Shape: []int{2, 1, 4, 2}, Shared: true}}},
	},
})

func bindSpaceToDepth[T kernel.Float](n *Node) (*Kernel[T], error) {
	x, b, err := n.blocked()
	if err != nil {
		return nil, err
	}
	images, c, h, w := x[0], x[1], x[2], x[3]
	if h%b != 0 || w%b != 0 {
		return nil, fmt.Errorf("planes of %d by %d do not divide into squares of %d", h, w, b)
	}
	return reordered[T](n, []int{images, c, h / b, b, w / b, b}, []int{images, c * b * b, h / b, w / b}, 0, 3, 5, 1, 2, 4)
}
