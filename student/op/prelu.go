// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// PRelu: Y = X where X >= 0, else slope * X. The slope is trained like a weight and
// broadcasts to the shape of X.
//
//	dX = dY where X >= 0, else dY * slope    dslope = dY * X where X < 0
//
// https://onnx.ai/onnx/operators/onnx__PRelu.html
// Opset 6 has one slope or one for every channel, axis 1; 7 brought numpy's
// broadcasting, and later opsets only added types.
var _ = register(Op{
	Name: "PRelu", Since: 6,
	Bind32: bindPRelu[float32], Bind64: bindPRelu[float64],
	Cases: []Case{
		{Name: "channels", In: []Arg{{Shape: []int{5, 3, 2, 4}, Avoid: []float64{0}}, {Shape: []int{3, 1, 1}}}},
		{Name: "opset 7", Opset: 7, In: []Arg{{Shape: []int{5, 3, 7}, Avoid: []float64{0}}, {Shape: []int{3, 1}}}},
		{Name: "oldest opset", Opset: 6, In: []Arg{{Shape: []int{5, 3, 7}, Avoid: []float64{0}}, {Shape: []int{3}}}, NoRuntime: "the runtime reads opset 7 on"},
		{Name: "one slope, oldest opset", Opset: 6, In: []Arg{{Shape: []int{5, 3, 7}, Avoid: []float64{0}}, {Shape: []int{1}}}, NoRuntime: "the runtime reads opset 7 on"},
		{Name: "one slope", In: []Arg{{Shape: []int{5, 9}, Avoid: []float64{0}}, {Shape: []int{1}}}},
		{Name: "scalar slope", In: []Arg{{Shape: []int{5, 9}, Avoid: []float64{0}}, {Shape: []int{}}}},
		{Name: "slope an element", In: []Arg{{Shape: []int{5, 3, 4}, Avoid: []float64{0}}, {Shape: []int{3, 4}}}},
		{Name: "slope a row", In: []Arg{{Shape: []int{5, 9}, Avoid: []float64{0}}, {Shape: []int{9}}}},
		{Name: "two images a sample", In: []Arg{{Shape: []int{10, 4}, Avoid: []float64{0}}, {Shape: []int{1, 4}}}},
		{Name: "computed slope", In: []Arg{{Shape: []int{5, 3, 4}, Avoid: []float64{0}}, {Shape: []int{5, 3, 1}, Batched: true}}},
		{Name: "weights", In: []Arg{{Shape: []int{3, 4}, Shared: true, Avoid: []float64{0}}, {Shape: []int{4}}}},
	},
})

func bindPRelu[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(2, 2, 1); err != nil {
		return nil, err
	}
	if n.Opset < 7 {
		n = n.channelSlope()
	}
	x, slope := n.In[0].Shape, n.In[1].Shape
	if shape, err := broadcast(x, slope); err != nil || !slices.Equal(shape, x) {
		return nil, fmt.Errorf("slope of shape %v does not broadcast to %v", slope, x)
	}
	return binary[T]{
		fwd: func(out, a, b []T) {
			for i, v := range a {
				out[i] = v
				if v < 0 {
					out[i] = v * at(b, i)
				}
			}
		},
		da: func(g, dy, a, b []T) {
			for i, d := range dy {
				if a[i] < 0 {
					d *= at(b, i)
				}
				g[i] += d
			}
		},
		db: func(g, dy, a, _ []T) {
			if len(g) == len(dy) {
				for i, d := range dy {
					g[i] += d * min(a[i], 0)
				}
				return
			}
			var s T
			for i, d := range dy {
				s += d * min(a[i], 0)
			}
			g[0] += s
		},
		reads: []int{0, 1},
	}.bind(n)
}

// channelSlope is the node with a slope for every channel in the shape that
// broadcasts to them.
func (n *Node) channelSlope() *Node {
	rank, slope := len(n.In[0].Shape), n.In[1].Shape
	if len(slope) != 1 || rank < 2 || slope[0] == 1 {
		return n
	}
	m := *n
	m.In = slices.Clone(n.In)
	m.In[1].Shape = slices.Repeat([]int{1}, rank-1)
	m.In[1].Shape[0] = slope[0]
	return &m
}
