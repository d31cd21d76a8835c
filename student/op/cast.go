// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"math"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Cast converts the element type. Between floating-point types it is the
// identity here, because the engine holds all of them in one type; its gradient
// is dY. To an integer type it rounds towards zero, to bool it says what is not
// zero, both without a gradient.
//
// https://onnx.ai/onnx/operators/onnx__Cast.html
// Opset 6 made the type a number; later opsets added types, saturate (19) and
// round_mode (24), which concern 8-bit floats alone.
var _ = register(Op{
	Name: "Cast", Since: 6,
	Bind32: bindCast[float32], Bind64: bindCast[float64],
	Cases: append(unaryCases(6, Arg{}, onnx.Int("to", int64(onnx.Float32))),
		Case{Name: "to int64", Attrs: []onnx.Attr{onnx.Int("to", int64(onnx.Int64))}, In: []Arg{{Shape: []int{5, 7}, Lo: -5, Hi: 5}}, ForwardOnly: true},
		Case{Name: "to bool", Attrs: []onnx.Attr{onnx.Int("to", int64(onnx.Bool))}, In: []Arg{{Shape: []int{5, 7}, Lo: -5, Hi: 5}}, ForwardOnly: true}),
})

func bindCast[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(1, 1, 1); err != nil {
		return nil, err
	}
	return castTo[T](n, onnx.DataType(n.Int("to", 0)))
}

// castTo converts input 0.
func castTo[T kernel.Float](n *Node, to onnx.DataType) (*Kernel[T], error) {
	x := &n.In[0]
	var k *Kernel[T]
	switch {
	case to.IsFloat():
		k = view[T](n, x.Shape)
		if !x.Type.IsFloat() && x.Type != onnx.Undefined {
			k.Backward = nil
		}
	case to == onnx.Bool:
		k = unary[T]{fwd: func(y, x []T) {
			for i, v := range x {
				y[i] = 0
				if v != 0 {
					y[i] = 1
				}
			}
		}}.bind(n)
	case to == onnx.Int64 || to == onnx.Int32 || to == onnx.Int16 || to == onnx.Int8 ||
		to == onnx.Uint64 || to == onnx.Uint32 || to == onnx.Uint16 || to == onnx.Uint8:
		k = unary[T]{fwd: func(y, x []T) {
			for i, v := range x {
				y[i] = T(math.Trunc(float64(v)))
			}
		}}.bind(n)
	default:
		return nil, fmt.Errorf("conversion to %s cannot be computed in training", to)
	}
	k.Out[0].Type = to
	return k, nil
}
