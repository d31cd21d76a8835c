// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"math"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Resize samples a tensor anew, with more or fewer positions along its axes: the
// nearest element, or linear or cubic interpolation axis by axis. All of it is a
// linear map, whose transpose is the gradient. Scales, sizes and roi have to be
// constants here.
//
// https://onnx.ai/onnx/operators/onnx__Resize.html
// Opset 11 brought roi, sizes and the choice of coordinates, rounding and cubic, 13
// made all but X optional, 18 brought axes, antialias and keep_aspect_ratio_policy,
// 19 half_pixel_symmetric.
var _ = register(Op{
	Name: "Resize", Since: 10, Fixed: []int{1, 2, 3},
	Bind32: bindResize[float32], Bind64: bindResize[float64],
	Cases: resizeCases(),
})

func bindResize[T kernel.Float](n *Node) (*Kernel[T], error) {
	if n.Opset < 11 {
		if err := n.arity(2, 2, 1); err != nil {
			return nil, err
		}
		return bindOldResize[T](n, n.String("mode", "nearest"))
	}
	if err := n.arity(1, 4, 1); err != nil {
		return nil, err
	}
	rule := &resizeRule{mode: n.String("mode", "nearest"), coordinates: n.String("coordinate_transformation_mode", "half_pixel"),
		rounding: n.String("nearest_mode", "round_prefer_floor"), cubic: float64(n.Float("cubic_coeff_a", -0.75)),
		excludeOutside: n.Int("exclude_outside", 0) != 0, antialias: n.Opset >= 18 && n.Int("antialias", 0) != 0}
	in := n.In[0].Shape
	over := every64(len(in))
	if n.Opset >= 18 {
		over = n.Ints("axes", over)
	}
	if _, err := axes(over, len(in)); err != nil {
		return nil, err
	}
	scales, sizes, err := n.resizeTo(over)
	if err != nil {
		return nil, err
	}
	var roi []float64
	if rule.coordinates == "tf_crop_and_resize" {
		if roi, err = n.numbers(1, "roi"); err != nil {
			return nil, err
		}
		if len(roi) != 2*len(over) {
			return nil, fmt.Errorf("roi has %d numbers for %d axes", len(roi), len(over))
		}
	}
	plans := make([]*resampling[T], len(in))
	for i, d := range in {
		plans[i] = unchanged[T](d)
	}
	for i, a := range over {
		at, _ := axis(a, len(in))
		if sizes[i] == in[at] && scales[i] == 1 && roi == nil {
			continue
		}
		part := [2]float64{0, 1}
		if roi != nil {
			part = [2]float64{roi[i], roi[len(over)+i]}
		}
		if plans[at], err = resample[T](rule, in[at], sizes[i], scales[i], part); err != nil {
			return nil, err
		}
	}
	return bindResizer(n, plans, T(n.Float("extrapolation_value", 0)))
}

// resizeTo reads the scale and the size of every axis listed.
func (n *Node) resizeTo(over []int64) (scales []float64, sizes []int, err error) {
	in := make([]int, len(over))
	for i, a := range over {
		at, _ := axis(a, len(n.In[0].Shape))
		in[i] = n.In[0].Shape[at]
	}
	sizes, scales = make([]int, len(over)), make([]float64, len(over))
	if n.Has(3) {
		given, err := n.dims(3, "sizes")
		if err != nil {
			return nil, nil, err
		}
		if len(given) != len(over) {
			return nil, nil, fmt.Errorf("%d sizes for %d axes", len(given), len(over))
		}
		policy := n.String("keep_aspect_ratio_policy", "stretch")
		common := math.NaN()
		for i, s := range given {
			if in[i] == 0 {
				return nil, nil, fmt.Errorf("shape %v has no elements", n.In[0].Shape)
			}
			scales[i], sizes[i] = float64(s)/float64(in[i]), s
			switch {
			case policy == "stretch":
			case policy != "not_larger" && policy != "not_smaller":
				return nil, nil, fmt.Errorf("keep_aspect_ratio_policy is %q", policy)
			case i == 0 || (scales[i] < common) == (policy == "not_larger"):
				common = scales[i]
			}
		}
		if policy != "stretch" {
			for i, d := range in {
				scales[i], sizes[i] = common, int(math.Floor(common*float64(d)+0.5))
			}
		}
		return scales, sizes, nil
	}
	if !n.Has(2) {
		return nil, nil, fmt.Errorf("neither scales nor sizes are given")
	}
	if scales, err = n.numbers(2, "scales"); err != nil {
		return nil, nil, err
	}
	sizes, err = scaledSizes(in, scales)
	return scales, sizes, err
}

// scaledSizes are the dimensions times their scales, rounded down.
func scaledSizes(in []int, scales []float64) ([]int, error) {
	if len(scales) != len(in) {
		return nil, fmt.Errorf("%d scales for %d axes", len(scales), len(in))
	}
	sizes := make([]int, len(in))
	for i, s := range scales {
		if !(s > 0 && s*float64(in[i]) <= maxElements) {
			return nil, fmt.Errorf("scales %v do not fit dimensions %v", scales, in)
		}
		sizes[i] = int(math.Floor(s * float64(in[i])))
	}
	return sizes, nil
}

// numbers reads input i as the constant list of numbers it has to be.
func (n *Node) numbers(i int, what string) ([]float64, error) {
	if !n.Has(i) || n.In[i].Const == nil {
		return nil, fmt.Errorf("input %d (%s) is computed or missing; it has to be a constant", i, what)
	}
	return onnx.Values[float64](n.In[i].Const)
}

// unchanged keeps an axis of d positions.
func unchanged[T kernel.Float](d int) *resampling[T] {
	r := &resampling[T]{in: d, out: d, first: every(d + 1), from: every(d), weight: make([]T, d)}
	kernel.Fill(r.weight, 1)
	return r
}
