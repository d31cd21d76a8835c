// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkConv times 3x3 convolutions of four images on one thread.
func BenchmarkConv(b *testing.B) {
	const images = 4
	one := []int{1, 1}
	for _, s := range []struct{ in, out, size, stride int }{
		{1, 16, 28, 1}, {16, 32, 28, 2}, {32, 64, 14, 2}, {64, 64, 14, 1},
		{32, 32, 28, 1}, {128, 128, 7, 1}, {64, 64, 56, 1},
	} {
		n := (s.size-1)/s.stride + 1
		w := &Window{Kernel: []int{3, 3}, Stride: []int{s.stride, s.stride}, Dilation: one, PadBegin: one, PadEnd: one, In: []int{s.size, s.size}, Out: []int{n, n}}
		c := NewConv[float32](w, 1, s.in, s.out)
		r := rand.New(rand.NewPCG(1, 2))
		x, k, y := random[float32](r, images*s.in*w.InLen()), random[float32](r, s.in*s.out*9), random[float32](r, images*s.out*w.OutLen())
		dy, scratch := random[float32](r, len(y)), random[float32](r, c.Scratch())
		flops := 2 * images * len(k) * w.OutLen()
		for _, pass := range []struct {
			name string
			run  func()
		}{
			{"forward", func() { c.Forward(y, x, k, k[:s.out], images, scratch) }},
			{"data", func() { c.Data(x, dy, k, images, scratch) }},
			{"weight", func() { c.Weight(k, x, dy, images, scratch) }},
		} {
			b.Run(fmt.Sprintf("%d to %d, %dx%d, stride %d/%s", s.in, s.out, s.size, s.size, s.stride, pass.name), func(b *testing.B) {
				for b.Loop() {
					pass.run()
				}
				b.ReportMetric(float64(flops)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
			})
		}
	}
}
