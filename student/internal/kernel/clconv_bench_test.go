// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkConvLast compares convolutions of channels-last images with those of
// images of planes. GFLOP/s counts the multiply-adds of the definition.
func BenchmarkConvLast(b *testing.B) {
	r := rand.New(rand.NewPCG(41, 42))
	for _, c := range []struct{ size, in, out, taps, stride, images int }{
		{32, 3, 32, 3, 1, 4}, {32, 32, 64, 3, 2, 4}, {16, 64, 64, 3, 1, 4}, {16, 64, 128, 3, 2, 4}, {8, 128, 128, 3, 1, 8},
		{32, 16, 16, 3, 1, 4}, {32, 16, 32, 3, 2, 4}, {16, 32, 32, 3, 1, 8}, {8, 64, 64, 3, 1, 8},
		{32, 32, 64, 1, 1, 4}, {16, 128, 128, 1, 1, 4}, {8, 256, 256, 1, 1, 8}, {32, 16, 32, 1, 2, 4},
	} {
		two := func(v int) []int { return []int{v, v} }
		pad := (c.taps - 1) / 2
		w := &Window{Kernel: two(c.taps), Stride: two(c.stride), Dilation: two(1), PadBegin: two(pad), PadEnd: two(pad),
			In: two(c.size), Out: two((c.size+2*pad-c.taps)/c.stride + 1)}
		x, k, bias := random[float32](r, c.images*c.in*w.InLen()), random[float32](r, c.out*c.in*w.Taps()), random[float32](r, c.out)
		y := random[float32](r, c.images*c.out*w.OutLen())
		dx, dw, db := random[float32](r, len(x)), random[float32](r, len(k)), random[float32](r, c.out)
		flop := 2 * float64(c.images*w.OutLen()*c.in*c.out*w.Taps())
		run := func(name string, f func()) {
			b.Run(fmt.Sprintf("%dx%d-%d-%d-%d:%d/%s", c.size, c.size, c.in, c.out, c.taps, c.stride, name), func(b *testing.B) {
				for b.Loop() {
					f()
				}
				b.ReportMetric(flop/float64(b.Elapsed().Nanoseconds())*float64(b.N), "GFLOP/s")
			})
		}
		for _, lasts = range lastSets {
			set := fmt.Sprintf("%d lanes/", lasts.lanes)
			last := NewConvLast[float32](w, c.in, c.out, false, 1, false)
			scratch := make([]float32, last.Scratch())
			last.Forward(0, true, y, x, k, bias, c.images, scratch)
			run(set+"forward", func() { last.Forward(0, false, y, x, k, bias, c.images, scratch) })
			g := GradLast[float32]{Set: true, DY: y, X: x, W: k, Images: c.images, First: true, Last: true}
			g.DX = dx
			last.Backward(0, &g, scratch)
			g.First, g.Last = false, false
			run(set+"data", func() { last.Backward(0, &g, scratch) })
			g.DX, g.DW = nil, dw
			g.First = true
			last.Backward(0, &g, scratch)
			g.First = false
			run(set+"weight", func() { last.Backward(0, &g, scratch) })
			g.DX, g.DB = dx, db
			run(set+"backward", func() { last.Backward(0, &g, scratch) })
		}
		lasts = fastest(lastSets)
		var scratch []float32
		views := NewConv[float32](w, 1, c.in, c.out)
		if views == nil {
			continue
		}
		scratch = make([]float32, views.Scratch())
		run("views-forward", func() { views.Forward(y, x, k, bias, c.images, scratch) })
		run("views-backward", func() {
			views.Data(dx, y, k, c.images, scratch)
			views.Weight(dw, x, y, c.images, scratch)
		})
	}
}
