// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// GroupNormalization cuts the channels of every image of X[N, C, spatial...] into
// num_groups groups, brings each to mean zero and deviation one, and scales and
// shifts it by learned numbers:
//
//	Y = (X - mean) / √(var + epsilon) * scale + bias
//
// The variance has divisor n, the number of values of the group; stash_type is not
// read.
//
// https://onnx.ai/onnx/operators/onnx__GroupNormalization.html and
// https://arxiv.org/abs/1803.08494
// Since opset 18, with a scale and a bias for every group; 21 has them for every
// channel.
var _ = register(Op{
	Name: "GroupNormalization", Since: 18,
	Bind32: bindGroupNormalization[float32], Bind64: bindGroupNormalization[float64],
	Cases: []Case{
		{Name: "images", Attrs: groups(2), In: channelArgs(4, 5, 4, 3, 3)},
		{Name: "per group", Opset: 18, Attrs: groups(2), In: channelArgs(2, 5, 6, 3, 3)},
		{Name: "one group", Attrs: groups(1), In: channelArgs(3, 5, 3, 7)},
		{Name: "a channel each", Attrs: groups(3), In: channelArgs(3, 5, 3, 7)},
		{Name: "no positions", Attrs: groups(2), In: channelArgs(8, 5, 8)},
		{Name: "epsilon", Attrs: append(groups(2), onnx.Float("epsilon", 0.1)), In: channelArgs(4, 5, 4, 3)},
		{Name: "two images a sample", Attrs: groups(2), In: channelArgs(4, 10, 4, 5)},
		{Name: "weights", Attrs: groups(2), In: unbatched(channelArgs(4, 3, 4, 5))},
	},
})

// groups is the attribute num_groups.
func groups(n int64) []onnx.Attr { return []onnx.Attr{onnx.Int("num_groups", n)} }

func bindGroupNormalization[T kernel.Float](n *Node) (*Kernel[T], error) {
	count := n.Int("num_groups", 0)
	if count < 1 {
		return nil, fmt.Errorf("num_groups is %d, wants one or more", count)
	}
	return newGroupNorm[T](n, int(count), n.Opset < 21)
}
