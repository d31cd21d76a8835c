// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkDepthwise times depthwise 3x3 convolutions of an image on one thread, with
// channels last and, beside it, plane by plane.
func BenchmarkDepthwise(b *testing.B) {
	one := []int{1, 1}
	for _, s := range []struct{ channels, size, taps, stride int }{
		{32, 32, 3, 1}, {64, 32, 3, 2}, {128, 16, 3, 1}, {128, 16, 3, 2}, {256, 8, 3, 1}, {96, 16, 5, 1},
	} {
		n, pad := (s.size-1)/s.stride+1, []int{s.taps / 2, s.taps / 2}
		w := &Window{Kernel: []int{s.taps, s.taps}, Stride: []int{s.stride, s.stride}, Dilation: one, PadBegin: pad, PadEnd: pad, In: []int{s.size, s.size}, Out: []int{n, n}}
		r := rand.New(rand.NewPCG(1, 2))
		c := s.channels
		d := NewDepthwiseLast[float32](w, c)
		x, y, k := random[float32](r, c*w.InLen()), random[float32](r, c*w.OutLen()), random[float32](r, d.Packed())
		flops := 2 * len(y) * w.Taps()
		in, out := w.InLen(), w.OutLen()
		for _, pass := range []struct {
			name          string
			last, byPlane func()
		}{
			{"forward", func() { d.Forward(y, x, k, nil, nil) }, func() {
				for i := range c {
					Depthwise(y[i*out:(i+1)*out], x[i*in:(i+1)*in], k[i*w.Taps():(i+1)*w.Taps()], 0, w)
				}
			}},
			{"data", func() { d.Data(x, y, k, false, nil) }, func() {
				for i := range c {
					DepthwiseData(x[i*in:(i+1)*in], y[i*out:(i+1)*out], k[i*w.Taps():(i+1)*w.Taps()], w)
				}
			}},
			{"weight", func() { d.Weight(k, x, y, nil) }, func() {
				for i := range c {
					DepthwiseWeight(k[i*w.Taps():(i+1)*w.Taps()], x[i*in:(i+1)*in], y[i*out:(i+1)*out], w)
				}
			}},
		} {
			for i, run := range []func(){pass.last, pass.byPlane} {
				b.Run(fmt.Sprintf("%d, %dx%d, %dx%d, stride %d/%s/%s", c, s.size, s.size, s.taps, s.taps, s.stride, pass.name, [2]string{"last", "planes"}[i]), func(b *testing.B) {
					for b.Loop() {
						run()
					}
					b.ReportMetric(float64(flops)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
				})
			}
		}
	}
}

// BenchmarkNormalize times the passes of BatchNormalization over an image on one
// thread, with channels last and, beside it, plane by plane.
func BenchmarkNormalize(b *testing.B) {
	for _, s := range []struct{ channels, size int }{{16, 32}, {32, 16}, {64, 8}, {32, 32}, {256, 8}} {
		r := rand.New(rand.NewPCG(1, 2))
		plane := s.size * s.size
		n, c := s.channels*plane, s.channels*Repeat(s.channels)
		x, d, y := random[float32](r, n), random[float32](r, n), random[float32](r, n)
		k := random[float32](r, c)
		s1, s2 := make([]float32, c), make([]float32, c)
		var sum float64
		each := func(visit func(at int)) {
			for at := 0; at < n; at += plane {
				visit(at)
			}
		}
		for _, pass := range []struct {
			name          string
			tensors       int
			last, byPlane func()
		}{
			{"sums", 1, func() { Moments(s1, s2, x, k) }, func() {
				each(func(at int) { sum += Sum(x[at:at+plane]) + Dot(x[at:at+plane], x[at:at+plane]) })
			}},
			{"apply", 2, func() { Affine(y, x, nil, k, k, 0, 6) }, func() {
				each(func(at int) { Normalize(y[at:at+plane], x[at:at+plane], 0.5, 0.25, 0.125) })
			}},
			{"sums of gradients", 2, func() { GradSums(s1, s2, d, x, k, Passed[float32]{Hi: 6, A: k, B: k}) }, func() {
				each(func(at int) { sum += Sum(d[at:at+plane]) + Dot(d[at:at+plane], x[at:at+plane]) })
			}},
			{"gradient", 3, func() { GradData(y, d, x, k, k, k, Passed[float32]{Hi: 6, A: k, B: k}, false) }, func() {
				each(func(at int) { NormalizeGrad(y[at:at+plane], d[at:at+plane], x[at:at+plane], 0.5, 0.25, 0.125, 0.5) })
			}},
		} {
			for i, run := range []func(){pass.last, pass.byPlane} {
				b.Run(fmt.Sprintf("%d, %dx%d/%s/%s", s.channels, s.size, s.size, pass.name, [2]string{"last", "planes"}[i]), func(b *testing.B) {
					for b.Loop() {
						run()
					}
					b.ReportMetric(float64(4*n*pass.tensors)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GB/s")
				})
			}
		}
	}
}
