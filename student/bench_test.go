// SPDX-License-Identifier: Apache-2.0

package student_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/kdcompress/kdcompress/compress/loss"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
	"github.com/kdcompress/kdcompress/student"
	"github.com/kdcompress/kdcompress/student/engine"
	"github.com/kdcompress/kdcompress/student/optim"
)

// BenchmarkStep times a whole training step, batch 128 on two shards: forward,
// backward, optimizer.
func BenchmarkStep(b *testing.B) {
	for _, spec := range []string{"mlp:width=800,depth=2", "convnet:width=16,depth=3", "convnet:width=16,depth=3,depthwise=yes", "convnet:width=32,depth=3,convs=2"} {
		b.Run(spec, func(b *testing.B) {
			ps, err := student.ParseSpec(spec)
			if err != nil {
				b.Fatal(err)
			}
			g := &onnx.Graph{Name: "teacher"}
			build := onnx.NewBuilder(g, "")
			x := build.Input("x", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(1), onnx.Fixed(28), onnx.Fixed(28))
			z := build.Op("Flatten", []string{x})
			build.Output(z, onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(10))
			teacher := &onnx.Model{IRVersion: 7, Opsets: []onnx.Opset{{Version: 13}}, Graph: g}
			s, err := student.Build(student.Signature{Teacher: teacher, Knowledge: rewrite.Knowledge{Output: z, Logits: z, Axis: -1},
				Inputs: [][]int{{1, 28, 28}}, Logits: []int{10}}, ps, 1)
			if err != nil {
				b.Fatal(err)
			}
			m := s.Model.Clone()
			params, err := engine.NewParams[float32](m.Graph, nil)
			if err != nil {
				b.Fatal(err)
			}
			lb := onnx.NewBuilder(m.Graph, "loss.")
			target := lb.Input("target", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(10))
			term, err := loss.NewTerm("kd", 1, nil)
			if err != nil {
				b.Fatal(err)
			}
			out := term.Append(lb, 13, 10, s.Logits, func(loss.Target) string { return target })
			plan, err := engine.Compile(m.Graph, params, engine.Options{Batch: 128, Shards: 2, Opset: 13, Training: true, Losses: out})
			if err != nil {
				b.Fatal(err)
			}
			r := rand.New(rand.NewPCG(1, 1))
			for _, name := range []string{"x", target} {
				in := plan.Input(name)
				for i := range in {
					in[i] = float32(r.NormFloat64())
				}
			}
			opt := optim.NewAdamW(len(params.Trainable()), nil)
			b.ReportMetric(float64(plan.Bytes())/1e6, "MB")
			for b.Loop() {
				if err := plan.Run(context.Background()); err != nil {
					b.Fatal(err)
				}
				opt.Step(params.Trainable(), params.Grad, 1e-3)
			}
			b.ReportMetric(float64(128*b.N)/b.Elapsed().Seconds(), "samples/s")
		})
	}
}
