// SPDX-License-Identifier: Apache-2.0

package student

import (
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

// TestScaleLogits scales in the weights where it can and by a Mul where it cannot.
func TestScaleLogits(t *testing.T) {
	for _, tc := range []struct {
		name   string
		shared bool
		muls   int
	}{{"own weights", false, 0}, {"weights that another node reads", true, 1}} {
		t.Run(tc.name, func(t *testing.T) {
			g := &onnx.Graph{Name: "g"}
			b := onnx.NewBuilder(g, "")
			x := b.Input("x", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(2))
			w := b.Float32("w", []int64{2, 2}, []float32{1, 2, 3, 4})
			c := b.Float32("c", []int64{2}, []float32{5, 6})
			if tc.shared {
				x = b.Op("MatMul", []string{x, w})
			}
			z := b.Op("Gemm", []string{x, w, c})
			b.Output(z, onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(2))
			s := &Student{Model: &onnx.Model{IRVersion: 7, Opsets: []onnx.Opset{{Version: 13}}, Graph: g}, Logits: z}
			if err := s.ScaleLogits(3); err != nil {
				t.Fatal(err)
			}
			if err := s.Model.Check(); err != nil {
				t.Fatal(err)
			}
			muls := 0
			for _, n := range g.Nodes {
				if n.OpType == "Mul" {
					muls++
				}
			}
			v, err := onnx.Values[float32](g.Initializer(c))
			if err != nil {
				t.Fatal(err)
			}
			if want := float32(5) * []float32{3, 1}[tc.muls]; muls != tc.muls || v[0] != want {
				t.Errorf("%d Mul nodes and a bias of %g, want %d and %g", muls, v[0], tc.muls, want)
			}
		})
	}
}
