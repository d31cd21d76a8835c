// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"math"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// GridSample reads images [N, C, D1, ...] of up to three axes at the places that a grid [N,
// P1, ..., axes] names, -1 to 1 along every axis, the last axis first. Between the points it
// interpolates: nearest, linear or cubic (with -0.75). Outside there are zeros, the border,
// or the image reflected. Both inputs have gradients.
//
// https://onnx.ai/onnx/operators/onnx__GridSample.html and https://arxiv.org/abs/1506.02025
// Since opset 16, which says bilinear and bicubic; 20 brought other numbers of axes.
var _ = register(Op{
	Name: "GridSample", Since: 16,
	Bind32: bindGridSample[float32], Bind64: bindGridSample[float64],
	Cases: gridSampleCases(),
})

// maxTaps is how many points three axes of cubic interpolation read.
const maxTaps = 64

// grid is a bound GridSample.
type grid struct {
	samples          count
	channels, points int
	dims             []int
	taps             int    // points an axis: 1, 2 or 4
	outside          string // zeros, border or reflection
	align            bool
}

func bindGridSample[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(2, 2, 1); err != nil {
		return nil, err
	}
	x, at := n.In[0].Shape, n.In[1].Shape
	axes := len(x) - 2
	if axes < 1 || axes > 3 || len(at) != len(x) || at[0] != x[0] || at[len(at)-1] != axes || Len(x) == 0 {
		return nil, fmt.Errorf("images of shape %v and a grid of shape %v do not fit each other", x, at)
	}
	g := &grid{channels: x[1], dims: x[2:], points: Len(at[1 : len(at)-1]), align: n.Int("align_corners", 0) != 0, outside: n.String("padding_mode", "zeros")}
	switch m := n.String("mode", "linear"); m {
	case "nearest":
		g.taps = 1
	case "linear", "bilinear":
		g.taps = 2
	case "cubic", "bicubic":
		g.taps = 4
	default:
		return nil, fmt.Errorf("mode is %q, wants nearest, linear or cubic", m)
	}
	if g.outside != "zeros" && g.outside != "border" && g.outside != "reflection" {
		return nil, fmt.Errorf("padding_mode is %q, wants zeros, border or reflection", g.outside)
	}
	batched := n.In[0].Batched && n.In[1].Batched
	g.samples = n.count(x[0], batched)
	shape := joined(x[:2], at[1:len(at)-1])
	k := result[T](n, shape, batched)
	k.ReadsIn = []int{0, 1}
	rooms := make([]gridTaps[T], max(n.Shards, 1))
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		size := Len(g.dims)
		gridEach(g, f, &rooms[f.Shard], func(s, p int, taps *gridTaps[T]) {
			for c := range g.channels {
				x := f.In[0][(s*g.channels+c)*size:][:size]
				var y T
				for i, at := range taps.at[:taps.count] {
					if at >= 0 {
						y += taps.weight[i] * x[at]
					}
				}
				f.Out[0][(s*g.channels+c)*g.points+p] = y
			}
		})
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		size, dx, dgrid := Len(g.dims), f.DIn[0], f.DIn[1]
		gridEach(g, f, &rooms[f.Shard], func(s, p int, taps *gridTaps[T]) {
			for c := range g.channels {
				base, dy := (s*g.channels+c)*size, f.DOut[0][(s*g.channels+c)*g.points+p]
				for i, at := range taps.at[:taps.count] {
					if at < 0 {
						continue
					}
					if dx != nil {
						dx[base+at] += taps.weight[i] * dy
					}
					for a := 0; dgrid != nil && a < axes; a++ {
						dgrid[(s*g.points+p)*axes+axes-1-a] += taps.slope[a][i] * f.In[0][base+at] * dy
					}
				}
			}
		})
	}}
	return k, nil
}

// gridTaps are the elements of an image that a place reads: where they are, -1 outside,
// their weights, and how those change with the grid along every axis.
type gridTaps[T kernel.Float] struct {
	count  int
	at     [maxTaps]int
	weight [maxTaps]T
	slope  [3][maxTaps]T
}

// gridEach visits the places of a slice.
func gridEach[T kernel.Float](g *grid, f *Frame[T], taps *gridTaps[T], visit func(s, p int, taps *gridTaps[T])) {
	axes := len(g.dims)
	for s := range g.samples.of(f.N) {
		for p := range g.points {
			taps.count, taps.at[0], taps.weight[0] = 1, 0, 1
			for a := range axes {
				taps.slope[a][0] = 1
			}
			for a, d := range g.dims {
				at, weight, slope := g.axis(float64(f.In[1][(s*g.points+p)*axes+axes-1-a]), d)
				// From the last to the first, so that none is overwritten before it is read.
				for i := taps.count - 1; i >= 0; i-- {
					for j := g.taps - 1; j >= 0; j-- {
						to := i*g.taps + j
						for b := range axes {
							by := weight[j]
							if b == a {
								by = slope[j]
							}
							taps.slope[b][to] = taps.slope[b][i] * T(by)
						}
						taps.weight[to] = taps.weight[i] * T(weight[j])
						if taps.at[to] = taps.at[i]*d + at[j]; taps.at[i] < 0 || at[j] < 0 {
							taps.at[to] = -1
						}
					}
				}
				taps.count *= g.taps
			}
			visit(s, p, taps)
		}
	}
}

// axis is the points that place v of an axis of d points reads, their weights, and the
// slopes of those in v.
func (g *grid) axis(v float64, d int) (at [4]int, weight, slope [4]float64) {
	low, high := -0.5, float64(d)-0.5
	x, rate := ((v+1)*float64(d)-1)/2, float64(d)/2
	if g.align {
		low, high = 0, float64(d-1)
		x, rate = (v+1)/2*high, high/2
	}
	if g.taps == 1 {
		x = math.RoundToEven(x)
	}
	if x < low || x > high {
		switch g.outside {
		case "border":
			x, rate = min(max(x, 0), float64(d-1)), 0
		case "reflection":
			var sign float64
			x, sign = reflect(x, low, high)
			rate *= sign
		}
	}
	first := int(math.Floor(x))
	t := x - float64(first)
	switch g.taps {
	case 1:
		weight[0] = 1
	case 2:
		weight, slope = [4]float64{1 - t, t}, [4]float64{-1, 1}
	default:
		first--
		const a = -0.75
		near := func(s float64) (w, d float64) {
			return ((a+2)*s-(a+3))*s*s + 1, (3*(a+2)*s - 2*(a+3)) * s
		}
		far := func(s float64) (w, d float64) {
			return ((a*s-5*a)*s+8*a)*s - 4*a, (3*a*s-10*a)*s + 8*a
		}
		for j, s := range []float64{t + 1, t, 1 - t, 2 - t} {
			if weight[j], slope[j] = near(s); j == 0 || j == 3 {
				weight[j], slope[j] = far(s)
			}
			if j > 1 {
				slope[j] = -slope[j]
			}
		}
	}
	for j := range g.taps {
		slope[j] *= rate
		at[j] = first + j
		switch {
		case at[j] >= 0 && at[j] < d:
		case g.outside == "zeros":
			at[j] = -1
		case g.outside == "border":
			at[j] = min(max(at[j], 0), d-1)
		default:
			r, _ := reflect(float64(at[j]), low, high)
			at[j] = min(max(int(r), 0), d-1)
		}
	}
	return at, weight, slope
}

// reflect mirrors x at the borders until it lies between them, and says whether that
// turned it round.
func reflect(x, low, high float64) (y, sign float64) {
	span := high - low
	if span <= 0 {
		return low, 0
	}
	over := low - x
	if x > high {
		over = x - high
	} else if x >= low {
		return x, 1
	}
	n := math.Floor(over / span)
	r := over - n*span
	inside := math.Mod(n, 2) == 0
	if (x < low) == inside {
		y = low + r
	} else {
		y = high - r
	}
	if sign = -1; !inside {
		sign = 1
	}
	return y, sign
}

func gridSampleCases() []Case {
	attrs := func(mode, outside string, align int64) []onnx.Attr {
		return []onnx.Attr{onnx.String("mode", mode), onnx.String("padding_mode", outside), onnx.Int("align_corners", align)}
	}
	image, wide := Arg{Shape: []int{5, 2, 4, 3}}, Arg{Shape: []int{5, 3, 2, 2}, Lo: -1.6, Hi: 1.6, Batched: true}
	var cases []Case
	for _, outside := range []string{"zeros", "border", "reflection"} {
		for align := range int64(2) {
			cases = append(cases, Case{Name: fmt.Sprintf("linear, %s, align %d", outside, align), Attrs: attrs("linear", outside, align), In: []Arg{image, wide}})
		}
	}
	volume := []Arg{{Shape: []int{5, 2, 3, 4, 2}}, {Shape: []int{5, 2, 1, 2, 3}, Lo: -0.9, Hi: 0.9, Batched: true}}
	return append(cases,
		Case{Name: "nearest", Attrs: attrs("nearest", "border", 0), In: []Arg{image, wide}},
		Case{Name: "cubic", Attrs: attrs("cubic", "zeros", 0), In: []Arg{image, {Shape: wide.Shape, Lo: -0.9, Hi: 0.9, Batched: true}}},
		Case{Name: "oldest opset", Opset: 16, Attrs: attrs("bilinear", "zeros", 1), In: []Arg{image, wide}},
		Case{Name: "volumes", Attrs: attrs("linear", "zeros", 0), In: volume},
		Case{Name: "two images a sample", Attrs: attrs("linear", "zeros", 0), In: []Arg{{Shape: []int{10, 1, 3, 3}}, {Shape: []int{10, 2, 1, 2}, Batched: true}}})
}
