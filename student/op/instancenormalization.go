// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// InstanceNormalization brings every channel of every image of X[N, C, spatial...]
// to mean zero and deviation one, and scales and shifts it by learned numbers:
//
//	Y = (X - mean) / √(var + epsilon) * scale + B
//
// The variance has divisor n, the number of positions.
//
// https://onnx.ai/onnx/operators/onnx__InstanceNormalization.html and
// https://arxiv.org/abs/1607.08022
// Opset 6 dropped consumed_inputs; 22 only added types.
var _ = register(Op{
	Name: "InstanceNormalization", Since: 6,
	Bind32: bindInstanceNormalization[float32], Bind64: bindInstanceNormalization[float64],
	Cases: []Case{
		{Name: "images", In: channelArgs(3, 5, 3, 4, 5)},
		{Name: "oldest opset", Opset: 6, In: channelArgs(3, 5, 3, 4, 5)},
		{Name: "signals", Attrs: []onnx.Attr{onnx.Float("epsilon", 0.1)}, In: channelArgs(4, 5, 4, 9)},
		{Name: "volumes", In: channelArgs(2, 5, 2, 2, 3, 2)},
		{Name: "two images a sample", In: channelArgs(3, 10, 3, 6)},
		{Name: "weights", In: unbatched(channelArgs(3, 2, 3, 7))},
	},
})

func bindInstanceNormalization[T kernel.Float](n *Node) (*Kernel[T], error) {
	return newGroupNorm[T](n, 0, false)
}

// channelArgs are images, and a scale and a shift of as many parameters.
func channelArgs(parameters int, shape ...int) []Arg {
	p := []int{parameters}
	return []Arg{{Shape: shape}, {Shape: p, Lo: 0.5, Hi: 1.5}, {Shape: p}}
}

// unbatched makes the first argument the same for all samples.
func unbatched(in []Arg) []Arg {
	in[0].Shared = true
	return in
}
