// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// resampling is how one axis is resized: output position o is the sum of weight[i]
// times input position from[i] for i in [first[o], first[o+1]), or where that is
// empty the value for what lies outside.
type resampling[T kernel.Float] struct {
	in, out int
	first   []int
	from    []int
	weight  []T
}

// identity says that the axis stays as it is.
func (r *resampling[T]) identity() bool {
	if r.in != r.out || len(r.from) != r.out {
		return false
	}
	for o := range r.out {
		if r.first[o] != o || r.from[o] != o || r.weight[o] != 1 {
			return false
		}
	}
	return true
}

// resizeRule is what Resize does along every axis.
type resizeRule struct {
	mode, coordinates, rounding string
	cubic                       float64 // coefficient a
	excludeOutside, antialias   bool
}

// resample plans an axis of in positions to become out by a scale that need not be
// their ratio; roi is the part of the axis that tf_crop_and_resize reads.
func resample[T kernel.Float](rule *resizeRule, in, out int, scale float64, roi [2]float64) (*resampling[T], error) {
	if in < 1 || !(scale > 0) {
		return nil, fmt.Errorf("an axis of %d positions cannot be scaled by %v", in, scale)
	}
	r := &resampling[T]{in: in, out: out, first: make([]int, 1, out+1)}
	for o := range out {
		x, err := rule.coordinate(float64(o), float64(in), float64(out), scale, roi)
		if err != nil {
			return nil, err
		}
		switch {
		case rule.coordinates == "tf_crop_and_resize" && (x < 0 || x > float64(in-1)):
		case rule.mode == "nearest":
			i, err := rule.nearest(x, scale)
			if err != nil {
				return nil, err
			}
			r.from, r.weight = append(r.from, min(max(i, 0), in-1)), append(r.weight, 1)
		default:
			if err := interpolate(r, rule, x, scale); err != nil {
				return nil, err
			}
		}
		r.first = append(r.first, len(r.from))
	}
	return r, nil
}

// coordinate is where output position o lies on the input's axis.
func (rule *resizeRule) coordinate(o, in, out, scale float64, roi [2]float64) (float64, error) {
	width := scale * in // what out is rounded from
	switch rule.coordinates {
	case "half_pixel":
		return (o+0.5)/scale - 0.5, nil
	case "half_pixel_symmetric":
		return in/2*(1-out/width) + (o+0.5)/scale - 0.5, nil
	case "pytorch_half_pixel":
		if out == 1 {
			return -0.5, nil
		}
		return (o+0.5)/scale - 0.5, nil
	case "tf_half_pixel_for_nn":
		return (o + 0.5) / scale, nil
	case "asymmetric":
		return o / scale, nil
	case "align_corners":
		if out == 1 {
			return 0, nil
		}
		return o * (in - 1) / (width - 1), nil
	case "tf_crop_and_resize":
		if out == 1 {
			return (roi[0] + roi[1]) * (in - 1) / 2, nil
		}
		return (roi[0] + o*(roi[1]-roi[0])/(width-1)) * (in - 1), nil
	}
	return 0, fmt.Errorf("coordinate_transformation_mode is %q", rule.coordinates)
}

// nearest rounds a coordinate.
func (rule *resizeRule) nearest(x, scale float64) (int, error) {
	switch rule.rounding {
	case "round_prefer_floor":
		x = math.Ceil(x - 0.5)
	case "round_prefer_ceil":
		x = math.Floor(x + 0.5)
	case "floor":
		x = math.Floor(x)
	case "ceil":
		x = math.Ceil(x)
	case "simple": // before opset 11
		if scale < 1 {
			x = math.Ceil(x)
		}
		x = math.Floor(x)
	default:
		return 0, fmt.Errorf("nearest_mode is %q", rule.rounding)
	}
	return int(x), nil
}

// interpolate appends the positions around x and their weights. With antialias a
// filter that shrinks the axis is as wide as an output position.
func interpolate[T kernel.Float](r *resampling[T], rule *resizeRule, x, scale float64) error {
	reach, filter := 1.0, func(t float64) float64 { return max(1-math.Abs(t), 0) }
	switch rule.mode {
	case "linear":
	case "cubic":
		reach, filter = 2, rule.keys
	default:
		return fmt.Errorf("mode is %q, wants nearest, linear or cubic", rule.mode)
	}
	narrow := 1.0
	if rule.antialias {
		narrow = min(scale, 1)
	}
	left := math.Ceil(x) - 1 // of the two positions that x lies between, or on the right one
	begin := int(math.Floor(-reach/narrow)) + 1
	at := len(r.from)
	var weights []float64
	sum := 0.0
	for i := begin; i < 2-begin; i++ {
		w := filter(narrow * (float64(i) - (x - left)))
		p := int(left) + i
		if rule.excludeOutside && (p < 0 || p >= r.in) {
			continue
		}
		p = min(max(p, 0), r.in-1)
		sum += w
		if n := len(r.from); n > at && r.from[n-1] == p {
			weights[len(weights)-1] += w
			continue
		}
		r.from, weights = append(r.from, p), append(weights, w)
	}
	kept := at
	for j, w := range weights {
		if w != 0 {
			r.from[kept] = r.from[at+j]
			kept++
			r.weight = append(r.weight, T(w/sum))
		}
	}
	r.from = r.from[:kept]
	return nil
}

// keys is the cubic convolution filter of https://doi.org/10.1109/TASSP.1981.1163711.
func (rule *resizeRule) keys(t float64) float64 {
	a := rule.cubic
	switch t = math.Abs(t); {
	case t <= 1:
		return ((a+2)*t-(a+3))*t*t + 1
	case t < 2:
		return ((a*t-5*a)*t+8*a)*t - 4*a
	}
	return 0
}
