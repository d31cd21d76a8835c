// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// DepthToSpace turns blocks of b*b channels of X[N, C, H, W] into squares of b by b
// positions. The position in the square is the slower part of the channel's number
// in mode DCR, the faster one in mode CRD.
//
// https://onnx.ai/onnx/operators/onnx__DepthToSpace.html
// Opset 11 brought the mode, which was DCR before; 13 only added types.
var _ = register(Op{
	Name: "DepthToSpace", Since: 1,
	Bind32: bindDepthToSpace[float32], Bind64: bindDepthToSpace[float64],
	Cases: []Case{
		{Name: "DCR", Attrs: blocks(2), In: []Arg{{Shape: []int{5, 8, 2, 3}}}},
		{Name: "CRD", Attrs: append(blocks(2), onnx.String("mode", "CRD")), In: []Arg{{Shape: []int{5, 8, 2, 3}}}},
		{Name: "three", Attrs: append(blocks(3), onnx.String("mode", "DCR")), In: []Arg{{Shape: []int{5, 9, 3, 1}}}},
		{Name: "oldest opset", Opset: 7, Attrs: blocks(2), In: []Arg{{Shape: []int{5, 4, 2, 3}}}},
		{Name: "two images a sample", Attrs: blocks(2), In: []Arg{{Shape: []int{10, 4, 2, 2}}}},
		{Name: "weights", Attrs: blocks(2), In: []Arg{{Shape: []int{2, 4, 2, 3}, Shared: true}}},
	},
})

// blocks is the attribute blocksize.
func blocks(n int64) []onnx.Attr { return []onnx.Attr{onnx.Int("blocksize", n)} }

func bindDepthToSpace[T kernel.Float](n *Node) (*Kernel[T], error) {
	x, b, err := n.blocked()
	if err != nil {
		return nil, err
	}
	images, c, h, w := x[0], x[1], x[2], x[3]
	if c%(b*b) != 0 {
		return nil, fmt.Errorf("%d channels do not divide into blocks of %d", c, b*b)
	}
	c /= b * b
	out := []int{images, c, h * b, w * b}
	switch mode := n.String("mode", "DCR"); {
	case mode == "CRD" && n.Opset >= 11:
		return reordered[T](n, []int{images, c, b, b, h, w}, out, 0, 1, 4, 2, 5, 3)
	case mode == "DCR":
		return reordered[T](n, []int{images, b, b, c, h, w}, out, 0, 3, 4, 1, 5, 2)
	default:
		return nil, fmt.Errorf("mode is %q, wants DCR or CRD", mode)
	}
}

// blocked reads the input's shape and the blocksize of DepthToSpace and
// SpaceToDepth.
func (n *Node) blocked() (shape []int, b int, err error) {
	if err := n.arity(1, 1, 1); err != nil {
		return nil, 0, err
	}
	shape, b = n.In[0].Shape, int(n.Int("blocksize", 0))
	if len(shape) != 4 {
		return nil, 0, fmt.Errorf("input of shape %v, wants images of two spatial dimensions", shape)
	}
	if b < 1 || b > 1<<15 {
		return nil, 0, fmt.Errorf("blocksize is %d", b)
	}
	return shape, b, nil
}

// reordered binds a Transpose of the input seen under the shape in, whose result is
// seen under the shape out.
func reordered[T kernel.Float](n *Node, in, out []int, order ...int64) (*Kernel[T], error) {
	x := n.In[0]
	x.Shape = in
	m := *n
	m.Node, m.In = &onnx.Node{Attrs: perm(order...)}, []Operand{x}
	k, err := bindTranspose[T](&m)
	if err == nil {
		k.Out[0].Shape = out
	}
	return k, err
}
