// SPDX-License-Identifier: Apache-2.0

package op

import (
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

// TestShapingErrors binds wrong nodes of the operators that move, index and resample
// elements, and of the recurrent ones.
func TestShapingErrors(t *testing.T) {
	x := func(shape ...int) Arg { return Arg{Shape: shape} }
	ints := func(v ...int64) Arg { return Arg{Shape: []int{len(v)}, Ints: v} }
	floats := func(v ...float64) Arg { return Arg{Shape: []int{len(v)}, Floats: v} }
	scalar := func(v int64) Arg { return Arg{Shape: []int{}, Ints: []int64{v}} }
	none := Arg{Omit: true}
	text := func(name, v string) []onnx.Attr { return []onnx.Attr{onnx.String(name, v)} }
	recurrent := func(more ...Arg) []Arg {
		return append([]Arg{x(4, 5, 3), x(1, 8, 3), x(1, 8, 2)}, more...)
	}
	for _, c := range []struct {
		name, op string
		c        Case
		want     string
	}{
		{"sizes do not add up", "Split", Case{Attrs: along(1), Outputs: 2, In: splitInto([]int{5, 6}, 2, 3)}, "[2 3] do not add up to dimension 1"},
		{"number of sizes", "Split", Case{Attrs: along(1), Outputs: 3, In: splitInto([]int{5, 6}, 2, 4)}, "2 sizes for 3 outputs"},
		{"unequal parts", "Split", Case{Opset: 13, Attrs: along(1), Outputs: 4, In: []Arg{x(5, 6)}}, "6 positions do not split into 4"},
		{"step zero", "Slice", Case{In: sliceOf([]int{5, 4}, []int64{0}, []int64{2}, []int64{1}, []int64{0})}, "step of axis 1 is zero"},
		{"lengths differ", "Slice", Case{In: sliceOf([]int{5, 4}, []int64{0, 1}, []int64{2}, nil, nil)}, "2 starts, 1 ends"},
		{"computed starts", "Slice", Case{In: []Arg{x(5, 4), x(1), ints(3)}}, "input 1 (starts) is computed"},
		{"number of pads", "Pad", Case{In: padBy([]int{5, 4}, 1, 1)}, "2 pads for 2 axes"},
		{"pads of nothing", "Pad", Case{Attrs: padMode("reflect"), In: padBy([]int{5, 4}, 0, -4, 0, 1)}, "no elements to pad with"},
		{"too much taken", "Pad", Case{In: padBy([]int{5, 4}, 0, -3, 0, -2)}, "take more than there is"},
		{"unknown mode", "Pad", Case{Attrs: padMode("mirror"), In: padBy([]int{5, 4}, 0, 1, 0, 1)}, `"mirror"`},
		{"shape bomb", "Pad", Case{In: padBy([]int{5, 4}, 0, 1<<60, 0, 1)}, "too large"},
		{"shape bomb", "Expand", Case{In: expandTo(true, []int{1}, 1<<40, 1<<40)}, "more than"},
		{"does not broadcast", "Expand", Case{In: expandTo(false, []int{5, 3}, 5, 4)}, "do not broadcast"},
		{"shape bomb", "Tile", Case{In: expandTo(false, []int{5, 3}, 1<<30, 1<<30)}, "more than"},
		{"number of repeats", "Tile", Case{In: expandTo(false, []int{5, 3}, 2)}, "1 repeats for shape [5 3]"},
		{"shape bomb", "ConstantOfShape", Case{In: []Arg{{Shape: []int{2}, Ints: []int64{1 << 40, 1 << 40}, Shared: true}}}, "more than"},
		{"negative dimension", "ConstantOfShape", Case{In: []Arg{{Shape: []int{1}, Ints: []int64{-1}, Shared: true}}}, "negative dimension"},
		{"too many", "Range", Case{In: rangeOf(Arg{Ints: []int64{0}}, Arg{Ints: []int64{1 << 40}}, Arg{Ints: []int64{1}})}, "are more than"},
		{"delta zero", "Range", Case{In: rangeOf(Arg{Ints: []int64{0}}, Arg{Ints: []int64{1}}, Arg{Ints: []int64{0}})}, "delta is zero"},
		{"computed", "NonZero", Case{In: []Arg{x(5, 3)}}, "input 0 is computed"},
		{"no matrix", "EyeLike", Case{In: []Arg{x(5)}}, "wants a matrix"},
		{"no depth", "OneHot", Case{In: []Arg{x(5), scalar(0), floats(0, 1)}}, "depth 0"},
		{"no matrices", "Trilu", Case{In: []Arg{x(5)}}, "wants matrices"},
		{"more than there are", "TopK", Case{Outputs: 2, In: topKOf([]int{5, 3}, 4)}, "4 elements of an axis of 3"},
		{"index outside", "Gather", Case{Attrs: along(1), In: []Arg{x(5, 3), ints(3)}}, "index 3 is outside an axis of 3"},
		{"index outside", "GatherND", Case{In: []Arg{x(5, 3), {Shape: []int{1, 2}, Ints: []int64{4, -4}}}}, "index -4 is outside an axis of 3"},
		{"tuples too long", "GatherND", Case{In: []Arg{x(5, 3), {Shape: []int{1, 3}, Ints: []int64{0, 0, 0}}}}, "[1 3] do not fit data of shape [5 3]"},
		{"ranks differ", "GatherElements", Case{In: []Arg{x(5, 3), ints(1)}}, "indices of shape [1]"},
		{"unknown reduction", "ScatterElements", Case{Attrs: scatterBy("mean", 1), In: []Arg{x(5, 3), {Shape: []int{5, 1}, Ints: []int64{0, 1, 2, 0, 1}}, x(5, 1)}}, `"mean"`},
		{"updates", "ScatterND", Case{In: []Arg{x(5, 3), {Shape: []int{2, 1}, Ints: []int64{0, 1}}, x(2, 2)}}, "updates of shape [2 2], wants [2 3]"},
		{"channels", "DepthToSpace", Case{Attrs: blocks(2), In: []Arg{x(5, 6, 2, 2)}}, "6 channels"},
		{"planes", "SpaceToDepth", Case{Attrs: blocks(2), In: []Arg{x(5, 1, 3, 2)}}, "3 by 2"},
		{"no scales", "Resize", Case{In: []Arg{x(5, 3)}}, "neither scales nor sizes"},
		{"number of scales", "Resize", Case{In: []Arg{x(5, 3), none, floats(2)}}, "1 scales for 2 axes"},
		{"negative scale", "Resize", Case{In: []Arg{x(5, 3), none, floats(1, -2)}}, "do not fit dimensions"},
		{"unknown mode", "Resize", Case{Attrs: text("mode", "area"), In: []Arg{x(5, 3), none, floats(1, 2)}}, `"area"`},
		{"unknown coordinates", "Resize", Case{Attrs: text("coordinate_transformation_mode", "centre"), In: []Arg{x(5, 3), none, floats(1, 2)}}, `"centre"`},
		{"unknown rounding", "Resize", Case{Attrs: text("nearest_mode", "even"), In: []Arg{x(5, 3), none, floats(1, 2)}}, `"even"`},
		{"channels", "ConvTranspose", Case{In: []Arg{x(5, 3, 4, 4), x(2, 2, 3, 3)}}, "group 1 with 3 channels"},
		{"nothing left", "ConvTranspose", Case{Attrs: []onnx.Attr{onnx.Ints("pads", 2, 2, 2, 2)}, In: []Arg{x(5, 3, 1, 1), x(3, 2, 3, 3)}}, "leave nothing"},
		{"operands", "Einsum", Case{Attrs: equation("ij,jk->ik"), In: []Arg{x(5, 3)}}, "has 2 operands, the node 1"},
		{"rank", "Einsum", Case{Attrs: equation("ijk->i"), In: []Arg{x(5, 3)}}, "does not fit shape [5 3]"},
		{"sizes", "Einsum", Case{Attrs: equation("ij,jk->ik"), In: []Arg{x(5, 3), x(4, 2)}}, "3 and 4 positions"},
		{"unknown label", "Einsum", Case{Attrs: equation("ij->ik"), In: []Arg{x(5, 3)}}, "unknown or repeated"},
		{"peepholes", "LSTM", Case{Outputs: 3, In: recurrent(none, none, none, none, x(1, 6))}, "peepholes (input 7)"},
		{"short sequences", "LSTM", Case{Outputs: 3, In: recurrent(none, ints(4, 4, 3, 4, 4))}, "shorter than the 4 steps"},
		{"activations", "LSTM", Case{Outputs: 3, Attrs: []onnx.Attr{{Name: "activations", Kind: onnx.AttrStrings, Strings: [][]byte{[]byte("Relu"), []byte("Tanh"), []byte("Tanh")}}}, In: recurrent()}, "Sigmoid, Tanh, Tanh can be trained"},
		{"clip", "LSTM", Case{Outputs: 3, Attrs: []onnx.Attr{onnx.Float("clip", 3)}, In: recurrent()}, "attribute clip"},
		{"directions", "LSTM", Case{Outputs: 3, Attrs: text("direction", "bidirectional"), In: recurrent()}, "W has 1 directions"},
		{"gates", "GRU", Case{Outputs: 2, In: recurrent()}, "do not fit each other"},
		{"bias", "LSTM", Case{Outputs: 3, In: recurrent(x(1, 8))}, "input 3 has shape [1 8], wants [1 16]"},
		{"norm of order zero", "LpPool", Case{Attrs: []onnx.Attr{onnx.Ints("kernel_shape", 2), onnx.Int("p", 0)}, In: []Arg{x(5, 2, 4)}}, "p is 0"},
		{"floats", "QuantizeLinear", Case{In: []Arg{x(5, 3), floats(1), {Shape: []int{1}, Floats: []float64{0}}}}, "quantisation to float"},
		{"scale of channels", "DequantizeLinear", Case{In: []Arg{x(5, 3), floats(1, 2)}}, "scale of shape [2] for axis 1"},
	} {
		t.Run(c.op+"/"+c.name, func(t *testing.T) { refuses(t, c.op, &c.c, c.want) })
	}
}

// TestIndexOutside runs a Gather on a computed index that its axis does not have.
func TestIndexOutside(t *testing.T) {
	o, err := Lookup("", "Gather", newest)
	if err != nil {
		t.Fatal(err)
	}
	c := &Case{Name: "outside", In: []Arg{{Shape: []int{3, 2}, Shared: true}, {Shape: []int{5}, Lo: 3, Hi: 4, Type: onnx.Int64, Batched: true}}}
	r := newRig[float32](t, o, c, oneSlice)
	f := r.frame(0, 0, samples, true, true, false)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	r.k.Forward[0](f)
}
