// SPDX-License-Identifier: Apache-2.0

package op

import (
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

// BenchmarkKernels times one thread's forward and backward pass of what
// convolutional nets spend their time in.
func BenchmarkKernels(b *testing.B) {
	same := onnx.Ints("pads", 1, 1, 1, 1)
	vector := func(n int) Arg { return Arg{Shape: []int{n}, Lo: 0.5, Hi: 1} }
	for _, c := range []struct {
		op    string
		flops int // of the forward pass
		Case
	}{
		{"Conv", 2 * 20 * 16 * 9 * 28 * 28, Case{Name: "1 to 16, 28x28", Attrs: []onnx.Attr{same}, In: []Arg{{Shape: []int{20, 1, 28, 28}}, {Shape: []int{16, 1, 3, 3}}, vector(16)}}},
		{"Conv", 2 * 20 * 32 * 16 * 9 * 14 * 14, Case{Name: "16 to 32, 14x14", Attrs: []onnx.Attr{same}, In: []Arg{{Shape: []int{20, 16, 14, 14}}, {Shape: []int{32, 16, 3, 3}}, vector(32)}}},
		{"Conv", 2 * 20 * 64 * 64 * 9 * 7 * 7, Case{Name: "64 to 64, 7x7", Attrs: []onnx.Attr{same}, In: []Arg{{Shape: []int{20, 64, 7, 7}}, {Shape: []int{64, 64, 3, 3}}, vector(64)}}},
		{"Conv", 2 * 20 * 256 * 256 * 9 * 4 * 4, Case{Name: "256 to 256, 4x4", Attrs: []onnx.Attr{same}, In: []Arg{{Shape: []int{20, 256, 4, 4}}, {Shape: []int{256, 256, 3, 3}}, vector(256)}}},
		{"Conv", 2 * 20 * 256 * 64, Case{Name: "1x1, 256 to 64, 1x1", In: []Arg{{Shape: []int{20, 256, 1, 1}}, {Shape: []int{64, 256, 1, 1}}, vector(64)}}},
		{"Conv", 2 * 20 * 64 * 64 * 9 * 28 * 28, Case{Name: "64 to 64, 28x28", Attrs: []onnx.Attr{same}, In: []Arg{{Shape: []int{20, 64, 28, 28}}, {Shape: []int{64, 64, 3, 3}}, vector(64)}}},
		{"Conv", 2 * 20 * 64 * 64 * 14 * 14, Case{Name: "1x1, 64 to 64, 14x14", In: []Arg{{Shape: []int{20, 64, 14, 14}}, {Shape: []int{64, 64, 1, 1}}, vector(64)}}},
		{"Conv", 2 * 20 * 64 * 9 * 14 * 14, Case{Name: "depthwise 64, 14x14", Attrs: []onnx.Attr{same, onnx.Int("group", 64)}, In: []Arg{{Shape: []int{20, 64, 14, 14}}, {Shape: []int{64, 1, 3, 3}}, vector(64)}}},
		{"Gemm", 2 * 20 * 512 * 512, Case{Name: "512 to 512", Attrs: []onnx.Attr{onnx.Int("transB", 1)}, In: []Arg{{Shape: []int{20, 512}}, {Shape: []int{512, 512}}, vector(512)}}},
		{"BatchNormalization", 8 * 20 * 32 * 14 * 14, Case{Name: "32, 14x14", Training: true, In: []Arg{{Shape: []int{20, 32, 14, 14}}, vector(32), vector(32), vector(32), vector(32)}}},
		{"Relu", 20 * 32 * 14 * 14, Case{Name: "32, 14x14", In: []Arg{{Shape: []int{20, 32, 14, 14}}}}},
		{"Add", 20 * 32 * 14 * 14, Case{Name: "32, 14x14", In: []Arg{{Shape: []int{20, 32, 14, 14}}, {Shape: []int{20, 32, 14, 14}, Batched: true}}}},
		{"HardSwish", 20 * 32 * 14 * 14, Case{Name: "32, 14x14", In: []Arg{{Shape: []int{20, 32, 14, 14}, Lo: -4, Hi: 4}}}},
		{"Clip", 20 * 32 * 14 * 14, Case{Name: "32, 14x14", In: []Arg{{Shape: []int{20, 32, 14, 14}, Lo: -4, Hi: 4}, bound(0), bound(1)}}},
		{"MaxPool", 4 * 20 * 32 * 7 * 7, Case{Name: "32, 14x14", Attrs: []onnx.Attr{onnx.Ints("kernel_shape", 2, 2), onnx.Ints("strides", 2, 2)}, In: []Arg{{Shape: []int{20, 32, 14, 14}}}}},
		{"GlobalAveragePool", 20 * 32 * 14 * 14, Case{Name: "32, 14x14", In: []Arg{{Shape: []int{20, 32, 14, 14}}}}},
	} {
		o, err := Lookup("", c.op, newest)
		if err != nil {
			b.Fatal(err)
		}
		r := newRig[float32](b, o, &c.Case, oneSlice)
		r.forward()
		ahead, f := r.frame(0, 0, samples, true, true, false), r.frame(0, 0, samples, true, true, true)
		for i := range f.DOut[0] {
			f.DOut[0][i] = 1
		}
		run := func(b *testing.B, f *Frame[float32], phases []Phase[float32], flops int) {
			for b.Loop() {
				for _, phase := range phases {
					phase(f)
				}
			}
			b.ReportMetric(float64(flops)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
		}
		b.Run(c.op+"/"+c.Name+"/forward", func(b *testing.B) { run(b, ahead, r.k.Forward, c.flops) })
		b.Run(c.op+"/"+c.Name+"/backward", func(b *testing.B) { run(b, f, r.k.Backward, 2*c.flops) })
	}
}
