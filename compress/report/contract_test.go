// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

// signature is a model with an interface and nothing in it.
func signature() *onnx.Model {
	return &onnx.Model{
		IRVersion: 8,
		Opsets:    []onnx.Opset{{Domain: "", Version: 17}},
		Metadata:  []onnx.Property{{Key: "labels", Value: "a,b"}},
		Graph: &onnx.Graph{
			Inputs: []*onnx.Value{
				onnx.NewValue("x", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(3)),
				onnx.NewValue("mask", onnx.Int64, onnx.Symbolic("N")),
			},
			Outputs: []*onnx.Value{onnx.NewValue("y", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(10))},
		},
	}
}

func TestContract(t *testing.T) {
	in := func(m *onnx.Model, i int) *onnx.Value { return m.Graph.Inputs[i] }
	for _, c := range []struct {
		name   string
		change func(s *onnx.Model)
		want   []string
	}{
		{"the same", func(s *onnx.Model) {}, nil},
		{"older is fine", func(s *onnx.Model) { s.IRVersion, s.Opsets[0].Version = 7, 13 }, nil},
		{"ai.onnx is the empty domain", func(s *onnx.Model) { s.Opsets[0].Domain = "ai.onnx" }, nil},
		{"weights listed as inputs", func(s *onnx.Model) {
			s.Graph.Inputs = append(s.Graph.Inputs, onnx.NewValue("w", onnx.Float32, onnx.Fixed(1)))
			s.Graph.Initializers = []*onnx.Tensor{onnx.NewFloat32("w", []int64{1}, []float32{1})}
		}, nil},
		{"input renamed", func(s *onnx.Model) { in(s, 0).Name = "input" }, []string{
			`breaks: input "x": the student calls it "input"`}},
		{"input renamed and retyped", func(s *onnx.Model) { in(s, 0).Name, in(s, 0).Type = "input", onnx.Float64 }, []string{
			`breaks: input "x": the student calls it "input"`,
			`breaks: input "x": element type float, the student's double`}},
		{"renamed and swapped", func(s *onnx.Model) { slices.Reverse(s.Graph.Inputs); in(s, 0).Name = "m" }, []string{
			`breaks: input "x": it is input 1 of the teacher and 2 of the student`,
			`breaks: input "mask": the student has no such name`,
			`breaks: input "m": only the student has it`}},
		{"inputs swapped", func(s *onnx.Model) { slices.Reverse(s.Graph.Inputs) }, []string{
			`breaks: input "x": it is input 1 of the teacher and 2 of the student`,
			`breaks: input "mask": it is input 2 of the teacher and 1 of the student`}},
		{"input missing", func(s *onnx.Model) { s.Graph.Inputs = s.Graph.Inputs[:1] }, []string{
			`breaks: inputs: the teacher has 2, the student 1`,
			`breaks: input "mask": the student has no such name`}},
		{"output too many", func(s *onnx.Model) {
			s.Graph.Outputs = append(s.Graph.Outputs, onnx.NewValue("logits", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(10)))
		}, []string{
			`breaks: outputs: the teacher has 1, the student 2`,
			`breaks: output "logits": only the student has it`}},
		{"element type", func(s *onnx.Model) { in(s, 0).Type = onnx.Float16 }, []string{
			`breaks: input "x": element type float, the student's float16`}},
		{"rank", func(s *onnx.Model) { in(s, 0).Dims = in(s, 0).Dims[:1] }, []string{
			`breaks: input "x": rank 2, the student's 1`}},
		{"shape left open", func(s *onnx.Model) { in(s, 1).Ranked, in(s, 1).Dims = false, nil }, []string{
			`note: input "mask": the student leaves the shape open, the teacher declares rank 1`}},
		{"dimension", func(s *onnx.Model) { in(s, 0).Dims[1] = onnx.Fixed(4) }, []string{
			`breaks: input "x": dimension 1 is 3, the student's 4`}},
		{"batch fixed", func(s *onnx.Model) { in(s, 0).Dims[0] = onnx.Fixed(1) }, []string{
			`breaks: input "x": dimension 0 is free ("N"), the student fixes it to 1`}},
		{"dimension opened", func(s *onnx.Model) { in(s, 0).Dims[1] = onnx.Symbolic("C") }, []string{
			`note: input "x": dimension 1 is 3, the student leaves it free ("C")`}},
		{"symbol renamed", func(s *onnx.Model) { in(s, 0).Dims[0] = onnx.Symbolic("batch") }, []string{
			`note: input "x": dimension 0 is called "N", the student's "batch"`}},
		{"kind", func(s *onnx.Model) { in(s, 1).Kind = "sequence" }, []string{
			`breaks: input "mask": the teacher declares a tensor, the student a sequence`}},
		{"newer opset", func(s *onnx.Model) { s.Opsets[0].Version = 18 }, []string{
			`breaks: opset: the student needs version 18, the teacher only 17`}},
		{"new domain", func(s *onnx.Model) { s.Opsets = append(s.Opsets, onnx.Opset{Domain: "com.example", Version: 1}) }, []string{
			`breaks: opset of domain "com.example": the student needs version 1, the teacher does not use it`}},
		{"newer IR", func(s *onnx.Model) { s.IRVersion = 9 }, []string{
			`breaks: IR version: the student needs 9, the teacher only 8`}},
		{"metadata lost", func(s *onnx.Model) { s.Metadata = nil }, []string{
			`note: metadata "labels": the teacher carries it, the student does not`}},
		{"metadata changed", func(s *onnx.Model) { s.Metadata[0].Value = "b,a" }, []string{
			`note: metadata "labels": the student holds another value`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			student := signature()
			c.change(student)
			var got []string
			breaks := false
			d := Contract(signature(), student)
			for _, x := range d {
				got = append(got, fmt.Sprintf("%s: %s: %s", x.Severity, x.Where, x.Text))
				breaks = breaks || x.Severity == Breaks
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			if Holds(d) == breaks {
				t.Errorf("Holds is %v", Holds(d))
			}
		})
	}
}

func TestContractKeepsHostileNamesOnOneLine(t *testing.T) {
	student := signature()
	student.Graph.Inputs[0].Name = "x\n\x1b[31m" + strings.Repeat("z", 10000)
	for _, d := range Contract(signature(), student) {
		if line := d.Where + d.Text; strings.ContainsAny(line, "\n\x1b") || len(line) > 300 {
			t.Errorf("difference of %d bytes: %.200q", len(line), line)
		}
	}
}
