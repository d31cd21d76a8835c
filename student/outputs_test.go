// SPDX-License-Identifier: Apache-2.0

package student_test

import (
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/compress/report"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
	"github.com/kdcompress/kdcompress/student"
)

// TestClosings builds students for teachers that end in several ways and holds
// their operators behind the logits, and their interface, against the teacher's.
func TestClosings(t *testing.T) {
	for _, tc := range []struct {
		name   string
		finish func(b *onnx.Builder, z string) []*onnx.Value
		want   string // operators behind the student's logits
	}{
		{"class and probabilities", func(b *onnx.Builder, z string) []*onnx.Value {
			p := b.Op("Softmax", []string{z}, onnx.Int("axis", 1))
			c := b.Op("ArgMax", []string{p}, onnx.Int("axis", 1), onnx.Int("keepdims", 0))
			return []*onnx.Value{onnx.NewValue(c, onnx.Int64, onnx.Symbolic("N")), onnx.NewValue(p, onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(3))}
		}, "Softmax ArgMax"},
		{"logits and probabilities", func(b *onnx.Builder, z string) []*onnx.Value {
			p := b.Op("Softmax", []string{z}, onnx.Int("axis", 1))
			return []*onnx.Value{onnx.NewValue(z, onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(3)), onnx.NewValue(p, onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(3))}
		}, "Softmax"},
		{"probabilities without logits", func(b *onnx.Builder, z string) []*onnx.Value {
			e := b.Op("Exp", []string{z})
			e = b.Op("Abs", []string{e})
			p := b.Op("Div", []string{e, b.Op("ReduceSum", []string{e, b.Int64("axes", []int64{1}, []int64{1})})})
			return []*onnx.Value{onnx.NewValue(p, onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(3))}
		}, "Softmax"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := &onnx.Graph{Name: "teacher"}
			b := onnx.NewBuilder(g, "")
			x := b.Input("x", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(4))
			z := b.Op("Gemm", []string{x, b.Float32("w", []int64{4, 3}, make([]float32, 12))})
			g.Outputs = tc.finish(b, z)
			teacher := &onnx.Model{IRVersion: 7, Opsets: []onnx.Opset{{Version: 13}}, Graph: g}
			if err := teacher.Check(); err != nil {
				t.Fatal(err)
			}
			k, err := rewrite.FindKnowledge(teacher, "")
			if err != nil {
				t.Fatal(err)
			}
			s, err := student.Build(student.Signature{Teacher: teacher, Knowledge: k, Inputs: [][]int{{4}}, Logits: []int{3}},
				student.Spec{Arch: "mlp"}, 1)
			if err != nil {
				t.Fatal(err)
			}
			if d := report.Contract(teacher, s.Model); !report.Holds(d) {
				t.Errorf("contract: %v", d)
			}
			var behind []string
			seen := false
			for _, n := range s.Model.Graph.Nodes {
				if seen {
					behind = append(behind, n.OpType)
				}
				seen = seen || n.Outputs[0] == s.Logits
			}
			if got := strings.Join(behind, " "); got != tc.want {
				t.Errorf("behind the logits: %q, want %q (knowledge %q of kind %s)", got, tc.want, k.Logits, k.Kind)
			}
		})
	}
}
