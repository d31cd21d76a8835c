// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/onnx"

// resizeCases are the modes and geometries the suite checks Resize in.
func resizeCases() []Case {
	attrs := func(pairs ...string) []onnx.Attr {
		var list []onnx.Attr
		for i := 0; i < len(pairs); i += 2 {
			list = append(list, onnx.String(pairs[i], pairs[i+1]))
		}
		return list
	}
	scaled := func(shape []int, scales ...float64) []Arg {
		return []Arg{{Shape: shape}, {Omit: true}, {Shape: []int{len(scales)}, Floats: scales}}
	}
	sized := func(shape []int, sizes ...int64) []Arg {
		return []Arg{{Shape: shape}, {Omit: true}, {Omit: true}, {Shape: []int{len(sizes)}, Ints: sizes}}
	}
	images := []int{5, 2, 4, 6}
	const mode, coordinates, rounding = "mode", "coordinate_transformation_mode", "nearest_mode"
	cases := []Case{
		{Name: "nearest", In: scaled(images, 1, 1, 2, 2)},
		{Name: "nearest by sizes", In: sized(images, 5, 2, 7, 8)},
		{Name: "nearest smaller", In: scaled(images, 1, 1, 0.5, 0.5)},
		{Name: "one axis", Attrs: attrs(mode, "linear"), In: scaled(images, 1, 1, 1, 1.5)},
		{Name: "linear by sizes", Attrs: attrs(mode, "linear"), In: sized(images, 5, 2, 7, 3)},
		{Name: "one channel axis", In: scaled([]int{5, 2, 4}, 1, 2, 1)},
		{Name: "cubic", Attrs: attrs(mode, "cubic"), In: scaled(images, 1, 1, 2, 1.5)},
		{Name: "cubic without outside", Attrs: append(attrs(mode, "cubic"), onnx.Int("exclude_outside", 1), onnx.Float("cubic_coeff_a", -0.5)), In: scaled(images, 1, 1, 2, 1.5)},
		{Name: "linear antialias", Attrs: append(attrs(mode, "linear"), onnx.Int("antialias", 1)), In: scaled(images, 1, 1, 0.5, 0.5),
			NoRuntime: "the runtime leaves what lies outside out of the average, the operator's definition repeats the edge"},
		{Name: "axes", Attrs: append(attrs(mode, "linear"), onnx.Ints("axes", 2, 3)), In: sized(images, 8, 3)},
		{Name: "not larger", Attrs: append(attrs("keep_aspect_ratio_policy", "not_larger"), onnx.Ints("axes", 2, 3)), In: sized(images, 8, 9)},
		{Name: "not smaller", Attrs: append(attrs("keep_aspect_ratio_policy", "not_smaller"), onnx.Ints("axes", 2, 3)), In: sized(images, 8, 9)},
		{Name: "crop", Attrs: append(attrs(mode, "linear", coordinates, "tf_crop_and_resize"), onnx.Float("extrapolation_value", 3)),
			In: []Arg{{Shape: images}, {Shape: []int{8}, Floats: []float64{0, 0, 0.25, -0.5, 1, 1, 0.75, 1}}, {Omit: true}, {Shape: []int{4}, Ints: []int64{5, 2, 3, 4}}}},
		{Name: "opset 10", Opset: 10, Attrs: attrs(mode, "nearest"), In: []Arg{{Shape: images}, {Shape: []int{4}, Floats: []float64{1, 1, 2, 0.5}}}},
		{Name: "opset 10, linear", Opset: 10, Attrs: attrs(mode, "linear"), In: []Arg{{Shape: images}, {Shape: []int{4}, Floats: []float64{1, 1, 2, 0.5}}}},
		{Name: "opset 11", Opset: 11, Attrs: attrs(coordinates, "tf_half_pixel_for_nn", rounding, "floor"),
			In: []Arg{{Shape: images}, {Shape: []int{0}, Floats: []float64{}}, {Shape: []int{4}, Floats: []float64{1, 1, 2, 3}}}},
		{Name: "samples", In: sized([]int{5, 2, 3}, 7, 2, 3)},
		{Name: "nothing", In: sized([]int{5, 2, 3}, 5, 2, 3)},
		{Name: "two images a sample", In: scaled([]int{10, 1, 2, 2}, 1, 1, 2, 2)},
		{Name: "weights", Attrs: attrs(mode, "linear"), In: func() []Arg {
			args := scaled([]int{1, 2, 3, 4}, 1, 1, 2, 2)
			args[0].Shared = true
			return args
		}()},
	}
	for _, c := range []string{"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "asymmetric", "align_corners"} {
		cases = append(cases, Case{Name: "linear " + c, Attrs: attrs(mode, "linear", coordinates, c), In: scaled(images, 1, 1, 1.5, 2.5)},
			Case{Name: "nearest " + c, Attrs: attrs(coordinates, c), In: scaled(images, 1, 1, 0.75, 3)})
	}
	for _, r := range []string{"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"} {
		cases = append(cases, Case{Name: "nearest " + r, Attrs: attrs(coordinates, "asymmetric", rounding, r), In: scaled(images, 1, 1, 2, 2)})
	}
	return cases
}
