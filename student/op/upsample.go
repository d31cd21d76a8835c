// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Upsample is the forerunner of Resize: output position o lies at o / scale. Scales
// have to be constants here.
//
// https://onnx.ai/onnx/operators/onnx__Upsample.html
// Opset 9 made scales an input; 10 replaced the operator by Resize.
var _ = register(Op{
	Name: "Upsample", Since: 7, Fixed: []int{1},
	Bind32: bindUpsample[float32], Bind64: bindUpsample[float64],
	Cases: []Case{
		{Name: "nearest", Opset: 9, In: []Arg{{Shape: []int{5, 2, 3, 4}}, {Shape: []int{4}, Floats: []float64{1, 1, 2, 3}}}},
		{Name: "linear", Opset: 9, Attrs: []onnx.Attr{onnx.String("mode", "linear")}, In: []Arg{{Shape: []int{5, 2, 3, 4}}, {Shape: []int{4}, Floats: []float64{1, 1, 2, 3}}}},
		{Name: "oldest opset", Opset: 7, Attrs: []onnx.Attr{{Name: "scales", Kind: onnx.AttrFloats, Floats: []float32{1, 1, 2, 1.5}}}, In: []Arg{{Shape: []int{5, 2, 3, 4}}}},
		{Name: "weights", Opset: 9, In: []Arg{{Shape: []int{1, 2, 3, 4}, Shared: true}, {Shape: []int{4}, Floats: []float64{1, 1, 2, 2}}}},
	},
})

func bindUpsample[T kernel.Float](n *Node) (*Kernel[T], error) {
	inputs := 2
	if n.Opset < 9 {
		inputs = 1
	}
	if err := n.arity(inputs, inputs, 1); err != nil {
		return nil, err
	}
	return bindOldResize[T](n, n.String("mode", "nearest"))
}

// bindOldResize binds Upsample and the Resize of opset 10, whose scales are input 1
// or an attribute.
func bindOldResize[T kernel.Float](n *Node, mode string) (*Kernel[T], error) {
	in := n.In[0].Shape
	var scales []float64
	if a := n.Attr("scales"); a != nil && len(n.In) == 1 {
		for _, s := range a.Floats {
			scales = append(scales, float64(s))
		}
	} else {
		var err error
		if scales, err = n.numbers(1, "scales"); err != nil {
			return nil, err
		}
	}
	sizes, err := scaledSizes(in, scales)
	if err != nil {
		return nil, err
	}
	if mode == "bilinear" {
		mode = "linear"
	}
	rule := &resizeRule{mode: mode, coordinates: "asymmetric", rounding: "simple"}
	plans := make([]*resampling[T], len(in))
	for i, d := range in {
		if sizes[i] == d && scales[i] == 1 {
			plans[i] = unchanged[T](d)
			continue
		}
		if plans[i], err = resample[T](rule, d, sizes[i], scales[i], [2]float64{0, 1}); err != nil {
			return nil, err
		}
	}
	return bindResizer(n, plans, 0)
}
