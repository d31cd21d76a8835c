// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Pad adds positions at both ends of axes: of a constant, or of the nearest, the
// reflected or the cyclically continued elements. Negative pads take positions
// away, before others are added.
//
// https://onnx.ai/onnx/operators/onnx__Pad.html
// Opset 2 renamed the attribute pads, 11 made pads and constant inputs, which have
// to be constants here, 18 brought axes, 19 the mode wrap; others only added types.
var _ = register(Op{
	Name: "Pad", Since: 2, Fixed: []int{1, 2, 3},
	Bind32: bindPad[float32], Bind64: bindPad[float64],
	Cases: []Case{
		{Name: "zeros", In: padBy([]int{5, 2, 3, 4}, 0, 0, 1, 2, 0, 0, 0, 3)},
		{Name: "constant", In: append(padBy([]int{5, 2, 3}, 0, 1, 1, 0, 0, 2), bound(0.5))},
		{Name: "axes", In: append(padBy([]int{5, 2, 3, 4}, 1, 2, 3, 0), Arg{Omit: true}, Arg{Shape: []int{2}, Ints: []int64{-1, 1}})},
		{Name: "taken away", In: padBy([]int{5, 4, 6}, 0, -1, -2, 0, 2, -1)},
		{Name: "reflect", Attrs: padMode("reflect"), In: padBy([]int{5, 2, 4, 3}, 0, 0, 3, 1, 0, 0, 1, 2)},
		{Name: "edge", Attrs: padMode("edge"), In: padBy([]int{5, 2, 4, 3}, 0, 1, 3, 1, 0, 0, 1, 4)},
		{Name: "wrap", Attrs: padMode("wrap"), In: padBy([]int{5, 2, 4, 3}, 0, 0, 3, 1, 0, 0, 1, 2)},
		{Name: "two images a sample", In: padBy([]int{10, 3}, 0, 1, 0, 1)},
		{Name: "samples", In: padBy([]int{5, 3}, 1, 0, 1, 0)},
		{Name: "opset 11", Opset: 11, Attrs: padMode("reflect"), In: padBy([]int{5, 4}, 0, 2, 0, 1)},
		{Name: "attributes", Opset: 7, Attrs: []onnx.Attr{onnx.Ints("pads", 0, 1, 0, 2), onnx.Float("value", 0.25)}, In: []Arg{{Shape: []int{5, 4}}}},
		{Name: "weights", In: []Arg{{Shape: []int{3, 4}, Shared: true}, {Shape: []int{4}, Ints: []int64{1, 0, 0, 2}}}},
	},
})

// padMode is the attribute mode.
func padMode(m string) []onnx.Attr { return []onnx.Attr{onnx.String("mode", m)} }

// padBy is a batched input and its pads.
func padBy(shape []int, pads ...int64) []Arg {
	return []Arg{{Shape: shape}, {Shape: []int{len(pads)}, Ints: pads}}
}

func bindPad[T kernel.Float](n *Node) (*Kernel[T], error) {
	pads, value := n.Ints("pads", nil), float64(n.Float("value", 0))
	var over []int64
	if n.Opset < 11 {
		if err := n.arity(1, 1, 1); err != nil {
			return nil, err
		}
		over = every64(len(n.In[0].Shape))
	} else {
		err := n.arity(2, 4, 1)
		if err != nil {
			return nil, err
		}
		if pads, err = n.ints(1, "pads"); err != nil {
			return nil, err
		}
		if value, err = n.scalar(2, "constant_value", 0); err != nil {
			return nil, err
		}
		over = every64(len(n.In[0].Shape))
		if n.Has(3) {
			if over, err = n.ints(3, "axes"); err != nil {
				return nil, err
			}
		}
	}
	x := &n.In[0]
	if _, err := axes(over, len(x.Shape)); err != nil {
		return nil, err
	}
	if len(pads) != 2*len(over) {
		return nil, fmt.Errorf("%d pads for %d axes", len(pads), len(over))
	}
	tables := keepAll(x.Shape)
	for i, a := range over {
		at, _ := axis(a, len(x.Shape))
		t, err := padTable(x.Shape[at], pads[i], pads[len(over)+i], n.String("mode", "constant"))
		if err != nil {
			return nil, fmt.Errorf("axis %d of shape %v: %w", at, x.Shape, err)
		}
		tables[at] = t
	}
	return bindPick[T](n, x.Shape, tables, T(value))
}

// every64 lists the axes of a rank.
func every64(rank int) []int64 {
	list := make([]int64, rank)
	for i := range list {
		list[i] = int64(i)
	}
	return list
}

// padTable lists the positions that a padded axis of d positions takes.
func padTable(d int, begin, end int64, mode string) ([]int, error) {
	if begin > maxElements || end > maxElements {
		return nil, fmt.Errorf("pads of %d and %d are too large", begin, end)
	}
	lo, hi := max(-begin, 0), int64(d)-max(-end, 0)
	if lo > hi || lo < 0 {
		return nil, fmt.Errorf("pads of %d and %d take more than there is", begin, end)
	}
	size := int(hi - lo)
	before, after := int(max(begin, 0)), int(max(end, 0))
	if size == 0 && mode != "constant" && before+after > 0 {
		return nil, fmt.Errorf("mode %s has no elements to pad with", mode)
	}
	t := make([]int, before+size+after)
	for j := range t {
		i := j - before
		if i < 0 || i >= size {
			switch mode {
			case "constant":
				t[j] = outside
				continue
			case "edge":
				i = min(max(i, 0), size-1)
			case "wrap":
				i = (i%size + size) % size
			case "reflect":
				if size == 1 {
					i = 0
					break
				}
				period := 2 * (size - 1)
				i = (i%period + period) % period
				i = min(i, period-i)
			default:
				return nil, fmt.Errorf("mode is %q, wants constant, reflect, edge or wrap", mode)
			}
		}
		t[j] = int(lo) + i
	}
	return t, nil
}
