// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Reshape gives the elements another shape: 0 keeps the input's dimension (unless
// allowzero), one -1 takes what is left over. A batched input stays batched while
// its first dimension still counts samples; a constant there that the batch does
// not divide is an error, because the file works for one batch size alone.
//
// https://onnx.ai/onnx/operators/onnx__Reshape.html
// Opset 5 made the shape an input, which has to be a constant here; 14 brought
// allowzero; others only added types.
var _ = register(Op{
	Name: "Reshape", Since: 5, Fixed: []int{1},
	Bind32: bindReshape[float32], Bind64: bindReshape[float64],
	Cases: []Case{
		{Name: "zero and rest", In: reshapeTo([]int{5, 3, 4}, 0, -1)},
		{Name: "oldest opset", Opset: 7, In: reshapeTo([]int{5, 3, 4}, 0, -1)},
		{Name: "rest first", In: reshapeTo([]int{5, 12}, -1, 3, 4)},
		{Name: "batch and tokens merged", In: reshapeTo([]int{5, 3, 4}, -1, 4)},
		{Name: "batch and tokens split", In: reshapeTo([]int{15, 4}, -1, 3, 4)},
		{Name: "literal batch", In: reshapeTo([]int{5, 12}, 5, 3, 4)},
		{Name: "all one axis", In: reshapeTo([]int{5, 12}, -1)},
		{Name: "samples mixed", In: reshapeTo([]int{5, 6}, -1, 15)},
		{Name: "zeros allowed", Attrs: []onnx.Attr{onnx.Int("allowzero", 1)}, In: reshapeTo([]int{5, 0}, 5, 0, 3)},
		{Name: "weights", In: []Arg{{Shape: []int{3, 4}, Shared: true}, {Shape: []int{2}, Ints: []int64{2, 6}}}},
		{Name: "to a scalar", In: []Arg{{Shape: []int{1}, Shared: true}, {Shape: []int{0}, Ints: []int64{}}}},
	},
})

// reshapeTo is a batched input and the shape it is to take.
func reshapeTo(shape []int, to ...int64) []Arg {
	return []Arg{{Shape: shape}, {Shape: []int{len(to)}, Ints: to}}
}

func bindReshape[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(2, 2, 1); err != nil {
		return nil, err
	}
	to, err := n.ints(1, "shape")
	if err != nil {
		return nil, err
	}
	x := &n.In[0]
	shape, err := reshaped(x.Shape, to, n.Int("allowzero", 0) != 0)
	if x.Batched && len(to) > 0 && to[0] > 0 && (err != nil || shape[0]%n.Batch != 0) {
		return nil, fmt.Errorf("shape %v fixes the first dimension to %d, but %d samples are run at once; "+
			"export the model with a dynamic batch, or write 0 or -1 there", to, to[0], n.Batch)
	}
	if err != nil {
		return nil, err
	}
	return view[T](n, shape), nil
}

// reshaped resolves the dimensions 0 and -1 of a target shape.
func reshaped(in []int, to []int64, allowZero bool) ([]int, error) {
	out := make([]int, len(to))
	rest, known := -1, 1
	for i, d := range to {
		switch {
		case d == -1 && rest >= 0:
			return nil, fmt.Errorf("shape %v leaves two dimensions open", to)
		case d == -1:
			rest = i
			continue
		case d < -1:
			return nil, fmt.Errorf("shape %v has a negative dimension", to)
		case d == 0 && !allowZero:
			if i >= len(in) {
				return nil, fmt.Errorf("shape %v keeps dimension %d, which shape %v does not have", to, i, in)
			}
			out[i] = in[i]
		default:
			out[i] = int(d)
		}
		known *= out[i]
	}
	total := Len(in)
	if rest >= 0 {
		if known == 0 || total%known != 0 {
			return nil, fmt.Errorf("shape %v does not divide the %d elements of shape %v", to, total, in)
		}
		out[rest] = total / known
	} else if known != total {
		return nil, fmt.Errorf("shape %v does not hold the %d elements of shape %v", to, total, in)
	}
	return out, nil
}
