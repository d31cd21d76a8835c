// SPDX-License-Identifier: Apache-2.0

package op

import (
	"slices"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

// TestKinks checks gradients by hand where differences cannot: at ties, at zeros.
func TestKinks(t *testing.T) {
	axis := []int64{1}
	for _, c := range []struct {
		name, op string
		attrs    []onnx.Attr
		in       [][]float64 // of shape [1, n], all but the axes of a reduction
		axes     []int64
		dy       []float64
		want     [][]float64
	}{
		{"first of a tie", "ReduceMax", nil, [][]float64{{1, 3, 3, 2}}, axis, []float64{5}, [][]float64{{0, 5, 0, 0}}},
		{"first of a tie", "ReduceMin", nil, [][]float64{{1, 3, 1, 1}}, axis, []float64{5}, [][]float64{{5, 0, 0, 0}}},
		{"no zero", "ReduceProd", nil, [][]float64{{2, 3, 4}}, axis, []float64{1}, [][]float64{{12, 8, 6}}},
		{"one zero", "ReduceProd", nil, [][]float64{{2, 0, 4}}, axis, []float64{1}, [][]float64{{0, 8, 0}}},
		{"two zeros", "ReduceProd", nil, [][]float64{{0, 0, 4}}, axis, []float64{1}, [][]float64{{0, 0, 0}}},
		{"zero norm", "ReduceL2", nil, [][]float64{{0, 0}}, axis, []float64{7}, [][]float64{{0, 0}}},
		{"zero", "ReduceL1", nil, [][]float64{{0, -2}}, axis, []float64{7}, [][]float64{{0, -7}}},
		{"zero norm", "LpNormalization", nil, [][]float64{{0, 0}}, nil, []float64{7, 8}, [][]float64{{0, 0}}},
		{"all the same", "MeanVarianceNormalization", []onnx.Attr{onnx.Ints("axes", 1)}, [][]float64{{3, 3}}, nil, []float64{7, 8}, [][]float64{{0, 0}}},
		{"tie", "Max", nil, [][]float64{{1, 2, 4}, {1, 3, 4}, {0, 3, 4}}, nil, []float64{5, 6, 7}, [][]float64{{5, 0, 7}, {0, 6, 0}, {0, 0, 0}}},
		{"tie", "Min", nil, [][]float64{{1, 2}, {1, 2}}, nil, []float64{5, 6}, [][]float64{{5, 6}, {0, 0}}},
		{"bound", "ThresholdedRelu", []onnx.Attr{onnx.Float("alpha", 1)}, [][]float64{{1, 2}}, nil, []float64{5, 6}, [][]float64{{0, 6}}},
		{"bounds", "Shrink", nil, [][]float64{{-0.5, 0.5, 0.75}}, nil, []float64{5, 6, 7}, [][]float64{{0, 0, 7}}},
		{"zero", "PRelu", nil, [][]float64{{0, -1}, {0.5, 0.5}}, nil, []float64{5, 6}, [][]float64{{5, 3}, {0, -6}}},
		{"far below zero", "Softplus", nil, [][]float64{{-2000, 2000}}, nil, []float64{5, 6}, [][]float64{{0, 6}}},
	} {
		t.Run(c.op+"/"+c.name, func(t *testing.T) {
			o, err := Lookup("", c.op, newest)
			if err != nil {
				t.Fatal(err)
			}
			n := &Node{Node: &onnx.Node{OpType: c.op, Attrs: c.attrs, Outputs: []string{"y"}}, Opset: newest, Batch: 1, Shards: 1}
			f := &Frame[float64]{N: 1, First: true}
			for _, x := range c.in {
				n.In = append(n.In, Operand{Shape: []int{1, len(x)}, Type: onnx.Float32, Batched: true, Grad: true})
				f.In, f.DIn = append(f.In, x), append(f.DIn, make([]float64, len(x)))
			}
			if c.axes != nil {
				n.In = append(n.In, Operand{Shape: []int{1}, Type: onnx.Int64, Const: onnx.NewInt64("", []int64{1}, c.axes)})
				f.In, f.DIn = append(f.In, []float64{float64(c.axes[0])}), append(f.DIn, nil)
			}
			k, err := Bind[float64](o, n)
			if err != nil {
				t.Fatal(err)
			}
			f.Out, f.DOut = [][]float64{make([]float64, k.Out[0].Len())}, [][]float64{c.dy}
			f.Fresh = make([]bool, len(f.In))
			f.Saved, f.Scratch = make([]float64, k.Saved), make([]float64, k.Scratch+k.ScratchPer)
			for _, phase := range append(slices.Clone(k.Forward), k.Backward...) {
				phase(f)
			}
			for i, want := range c.want {
				if !slices.Equal(f.DIn[i], want) {
					t.Errorf("gradient %d is %v, want %v", i, f.DIn[i], want)
				}
			}
		})
	}
}
