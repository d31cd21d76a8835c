// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Split cuts a tensor along an axis into parts of given sizes, or else into equal
// ones, of which the last may be smaller.
//
// https://onnx.ai/onnx/operators/onnx__Split.html
// Opset 2 made the sizes an attribute, 11 allowed a negative axis, 13 made the
// sizes an input, which has to be a constant here, 18 brought num_outputs and the
// smaller last part.
var _ = register(Op{
	Name: "Split", Since: 2, Fixed: []int{1},
	Bind32: bindSplit[float32], Bind64: bindSplit[float64],
	Cases: []Case{
		{Name: "sizes", Attrs: along(1), Outputs: 3, In: splitInto([]int{5, 6, 3}, 2, 1, 3)},
		{Name: "last axis", Attrs: along(-1), Outputs: 2, In: splitInto([]int{5, 6, 3}, 1, 2)},
		{Name: "equal parts", Attrs: append(along(1), onnx.Int("num_outputs", 3)), Outputs: 3, In: []Arg{{Shape: []int{5, 6, 3}}}},
		{Name: "smaller last part", Attrs: append(along(1), onnx.Int("num_outputs", 3)), Outputs: 3, In: []Arg{{Shape: []int{5, 7, 2}}}},
		{Name: "equal parts, opset 13", Opset: 13, Attrs: along(1), Outputs: 2, In: []Arg{{Shape: []int{5, 6}}}},
		{Name: "sizes attribute", Opset: 11, Attrs: append(along(1), onnx.Ints("split", 1, 5)), Outputs: 2, In: []Arg{{Shape: []int{5, 6}}}},
		{Name: "oldest opset", Opset: 7, Attrs: along(1), Outputs: 2, In: []Arg{{Shape: []int{5, 6}}}},
		{Name: "two images a sample", Attrs: along(1), Outputs: 2, In: splitInto([]int{10, 5}, 4, 1)},
		{Name: "along the batch", Outputs: 2, In: splitInto([]int{5, 3}, 2, 3)},
		{Name: "weights", Outputs: 2, In: []Arg{{Shape: []int{4, 3}, Shared: true}, {Shape: []int{2}, Ints: []int64{1, 3}}}},
	},
})

// splitInto is a batched input and the sizes of its parts.
func splitInto(shape []int, sizes ...int64) []Arg {
	return []Arg{{Shape: shape}, {Shape: []int{len(sizes)}, Ints: sizes}}
}

func bindSplit[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(1, 2, len(n.Outputs)); err != nil {
		return nil, err
	}
	x := &n.In[0]
	at, err := axis(n.Int("axis", 0), len(x.Shape))
	if err != nil {
		return nil, err
	}
	sizes, err := n.splitSizes(x.Shape[at])
	if err != nil {
		return nil, err
	}
	batched := x.Batched && at > 0
	k := &Kernel[T]{Whole: !batched}
	inner, total := Len(x.Shape[at+1:]), 0
	widths := make([]int, len(sizes)) // elements of a row that each output takes
	for i, size := range sizes {
		if size < 0 {
			return nil, fmt.Errorf("part %d has size %d", i, size)
		}
		shape := slices.Clone(x.Shape)
		shape[at] = int(size)
		k.Out = append(k.Out, Operand{Shape: shape, Type: x.Type, Batched: batched})
		widths[i] = int(size) * inner
		total += int(size)
	}
	if total != x.Shape[at] {
		return nil, fmt.Errorf("parts %v do not add up to dimension %d of shape %v", sizes, at, x.Shape)
	}
	rows := n.count(Len(x.Shape[:at]), batched)
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		x := f.In[0]
		for r := range rows.of(f.N) {
			for i, w := range widths {
				copy(f.Out[i][r*w:(r+1)*w], x)
				x = x[w:]
			}
		}
	}}
	k.Sets = []int{0}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		dx := f.DIn[0]
		if dx == nil {
			return
		}
		for r := range rows.of(f.N) {
			for i, w := range widths {
				switch dy := f.DOut[i]; {
				case dy == nil && f.Fresh[0]:
					clear(dx[:w])
				case dy == nil:
				case f.Fresh[0]:
					copy(dx[:w], dy[r*w:])
				default:
					kernel.Add(dx[:w], dy[r*w:(r+1)*w])
				}
				dx = dx[w:]
			}
		}
	}}
	return k, nil
}

// splitSizes are the sizes of the parts of d positions.
func (n *Node) splitSizes(d int) ([]int64, error) {
	parts := len(n.Outputs)
	if n.Opset >= 13 && n.Has(1) {
		sizes, err := n.ints(1, "split")
		if err == nil && len(sizes) != parts {
			err = fmt.Errorf("%d sizes for %d outputs", len(sizes), parts)
		}
		return sizes, err
	}
	if sizes := n.Ints("split", nil); n.Opset < 13 && sizes != nil {
		if len(sizes) != parts {
			return nil, fmt.Errorf("%d sizes for %d outputs", len(sizes), parts)
		}
		return sizes, nil
	}
	if given := n.Int("num_outputs", int64(parts)); n.Opset >= 18 && given != int64(parts) {
		return nil, fmt.Errorf("num_outputs is %d, but there are %d outputs", given, parts)
	}
	if n.Opset < 18 && d%parts != 0 {
		return nil, fmt.Errorf("%d positions do not split into %d equal parts", d, parts)
	}
	size := (d + parts - 1) / parts
	sizes := make([]int64, parts)
	for i := range sizes {
		sizes[i] = int64(max(min(size, d-i*size), 0))
	}
	return sizes, nil
}
