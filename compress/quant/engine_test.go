// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"context"
	"math"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
	"github.com/kdcompress/kdcompress/student/engine"
)

// TestIntegersAgree holds ONNX Runtime's fused integer arithmetic against the
// engine's evaluation of the same QuantizeLinear and DequantizeLinear in float:
// every integer tensor of every net agrees within one step.
func TestIntegersAgree(t *testing.T) {
	library(t)
	for _, c := range nets {
		t.Run(c.name, func(t *testing.T) {
			_, q := static(t, model(c.name), "minmax")
			var names []string
			for _, n := range q.Graph.Nodes {
				if n.OpType == "QuantizeLinear" {
					names = append(names, n.Outputs[0])
				}
			}
			const batch = 6
			feed := samples(q, 1, batch)
			in, err := feed.Fill(0)
			if err != nil {
				t.Fatal(err)
			}
			tapped, err := rewrite.Tap(q, names...)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range tapped.Graph.Outputs[1:] {
				v.Kind, v.Type = "tensor", onnx.Uint8
				if IntegersHere().Activation == onnx.Int8 {
					v.Type = onnx.Int8
				}
			}
			file := encoded(t, tapped)
			s, err := ort.Open(file, ort.Options{Outputs: names})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			got, err := s.Run(context.Background(), in)
			if err != nil {
				t.Fatal(err)
			}
			if f, err := Fused(file); err != nil || f.Integer != c.count {
				t.Fatalf("with the integers as outputs %d layers are fused, want %d: %v", f.Integer, c.count, err)
			}
			params, err := engine.NewParams[float64](q.Graph, nil)
			if err != nil {
				t.Fatal(err)
			}
			plan, err := engine.Compile(q.Graph, params, engine.Options{Batch: batch, Opset: int(q.Opset("")), Outputs: names})
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range in[0].F {
				plan.Input("x")[i] = float64(v)
			}
			if err := plan.Run(context.Background()); err != nil {
				t.Fatal(err)
			}
			for i, name := range names {
				ours, theirs := plan.Output(name), got[i].Raw
				differ := 0
				for j, b := range theirs {
					x := float64(b)
					if got[i].Type == onnx.Int8 {
						x = float64(int8(b))
					}
					d := math.Abs(x - ours[j])
					if d > 1 {
						t.Fatalf("%s[%d]: ONNX Runtime %v, the engine %v", name, j, x, ours[j])
					}
					if d > 0 {
						differ++
					}
				}
				if differ*20 > len(theirs) {
					t.Errorf("%s: %d of %d integers differ by a step", name, differ, len(theirs))
				}
			}
		})
	}
}
