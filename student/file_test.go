// SPDX-License-Identifier: Apache-2.0

package student_test

import (
	"errors"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student"
)

// own is a graph such as a user brings: a MatMul with its weight in a Constant
// node, under the names of the toy teacher's input and output.
func own(y toy, output string) *onnx.Model {
	y = y.filled()
	b := onnx.NewBuilder(&onnx.Graph{Name: "own"}, "")
	n, classes := product(y.inputs[0]), product(y.logits)
	x := b.Input("in0", onnx.Float32, onnx.Symbolic("any"), onnx.Fixed(int64(n)))
	v := make([]float32, n*classes)
	for i := range v {
		v[i] = float32(i%5) / 8
	}
	b.G.Nodes = append(b.G.Nodes, &onnx.Node{Name: "weights", OpType: "Constant", Outputs: []string{"w"},
		Attrs: []onnx.Attr{{Name: "value", Kind: onnx.AttrTensor, T: onnx.NewFloat32("", []int64{int64(n), int64(classes)}, v)}}})
	z := b.Op("Add", []string{b.Op("MatMul", []string{x, "w"}), b.Float32("bias", []int64{int64(classes)}, make([]float32, classes))})
	b.G.Nodes = append(b.G.Nodes, &onnx.Node{Name: "end", OpType: "Softmax", Inputs: []string{z}, Outputs: []string{output},
		Attrs: []onnx.Attr{onnx.Int("axis", 1)}})
	b.Output(output, onnx.Float32, onnx.Symbolic("any"), onnx.Fixed(int64(classes)))
	return &onnx.Model{IRVersion: 7, Opsets: []onnx.Opset{{Version: 13}}, Graph: b.G}
}

func TestFromModel(t *testing.T) {
	y := toy{inputs: [][]int{{6}}, ending: "Softmax"}
	sig := y.signature(t)
	m := own(y, sig.Knowledge.Output)
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	before := encode(t, m)
	s, err := student.FromModel(sig, m, "own.onnx")
	if err != nil {
		t.Fatal(err)
	}
	if s.Spec != "own.onnx" || s.Logits != "Add" {
		t.Errorf("spec %q, logits %q", s.Spec, s.Logits)
	}
	params, curve := train(t, y, sig, s, 40, 16, 0.05)
	if n := len(params.Trainable()); n != 6*4+4 {
		t.Errorf("%d weights are trained, want 28", n)
	}
	if first, last := mean(curve[:4]), mean(curve[36:]); !(last < first/2) {
		t.Errorf("the loss went from %.4f to %.4f", first, last)
	}
	if encode(t, m) != before {
		t.Error("the user's graph was changed")
	}
	in := y.batchOf(5, 1)
	want := closed("Softmax", answers(t, s.Model.Graph, params, 13, 5, in, s.Logits), 4)
	library(t)
	near(t, "ONNX Runtime against the engine", inRuntime(t, export(t, s), sig.Inputs, 5, in), want, 1e-4)
}

func TestFromModelRefuses(t *testing.T) {
	y := toy{inputs: [][]int{{6}}, ending: "Softmax"}
	for _, c := range []struct {
		name   string
		change func(m *onnx.Model)
		want   string
	}{
		{"input name", func(m *onnx.Model) {
			m.Graph.Inputs[0].Name, m.Graph.Nodes[1].Inputs[0] = "pixels", "pixels"
		}, `own.onnx: input 0 is called "pixels", the teacher's "in0"`},
		{"input type", func(m *onnx.Model) { m.Graph.Inputs[0].Type = onnx.Float64 }, `own.onnx: input "in0" is double, the teacher's is float`},
		{"input rank", func(m *onnx.Model) { m.Graph.Inputs[0].Dims = append(m.Graph.Inputs[0].Dims, onnx.Fixed(1)) },
			`own.onnx: input "in0" has rank 3, the teacher's has 2`},
		{"one input more", func(m *onnx.Model) {
			m.Graph.Inputs = append(m.Graph.Inputs, onnx.NewValue("mask", onnx.Float32))
		}, "own.onnx: the student has 2 inputs, the teacher 1"},
		{"output name", func(m *onnx.Model) {
			m.Graph.Outputs[0].Name, m.Graph.Nodes[3].Outputs[0] = "p", "p"
		}, `own.onnx: output 0 is called "p", the teacher's "Softmax"`},
		{"output type", func(m *onnx.Model) { m.Graph.Outputs[0].Type = onnx.Int64 }, `own.onnx: output "Softmax" is int64, the teacher's is float`},
		{"output rank", func(m *onnx.Model) { m.Graph.Outputs[0].Dims = m.Graph.Outputs[0].Dims[:1] }, `own.onnx: output "Softmax" has rank 1, the teacher's has 2`},
		{"one output more", func(m *onnx.Model) {
			m.Graph.Outputs = append(m.Graph.Outputs, onnx.NewValue("Add", onnx.Float32))
		}, "own.onnx: the student has 2 outputs, the teacher 1"},
		{"another size", func(m *onnx.Model) { m.Graph.Inputs[0].Dims[1] = onnx.Fixed(7) }, `own.onnx: input "in0": dimension 1 is 7, the teacher's is 6`},
		{"a fixed batch", func(m *onnx.Model) { m.Graph.Inputs[0].Dims[0] = onnx.Fixed(1) }, `own.onnx: input "in0": dimension 0 is 1, the teacher leaves it open`},
		{"other classes", func(m *onnx.Model) { m.Graph.Outputs[0].Dims[1] = onnx.Fixed(5) }, `own.onnx: output "Softmax": dimension 1 is 5, the teacher's is 4`},
		{"newer opset", func(m *onnx.Model) { m.Opsets[0].Version = 17 }, `own.onnx: the student imports opset 17 of domain "", the teacher 13`},
		{"another domain", func(m *onnx.Model) { m.Opsets = append(m.Opsets, onnx.Opset{Domain: "ai.onnx.ml", Version: 2}) },
			`own.onnx: the student imports opset 2 of domain "ai.onnx.ml", the teacher 0`},
		{"newer IR version", func(m *onnx.Model) { m.IRVersion = 8 }, "own.onnx: the student has IR version 8, the teacher 7"},
		{"not a valid graph", func(m *onnx.Model) { m.Graph.Nodes[1].Inputs[1] = "gone" }, "own.onnx: node MatMul (MatMul): input \"gone\" is defined nowhere"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sig := y.signature(t)
			m := own(y, sig.Knowledge.Output)
			c.change(m)
			_, err := student.FromModel(sig, m, "own.onnx")
			refused(t, err, c.want)
			var e *onnx.Error
			if !errors.As(err, &e) {
				t.Errorf("the error is a %T", err)
			}
		})
	}
}

// TestFromModelReads takes what files may leave out or say in an old way.
func TestFromModelReads(t *testing.T) {
	y := toy{inputs: [][]int{{6}}, ending: "Softmax"}
	sig := y.signature(t)
	for name, change := range map[string]func(m *onnx.Model){
		"an undeclared output shape": func(m *onnx.Model) { m.Graph.Outputs[0].Ranked, m.Graph.Outputs[0].Dims = false, nil },
		"an older opset":             func(m *onnx.Model) { m.Opsets[0].Version = 11 },
		"weights among the inputs": func(m *onnx.Model) {
			m.IRVersion = 3
			m.Graph.Inputs = append(m.Graph.Inputs, onnx.NewValue("bias", onnx.Float32, onnx.Fixed(4)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := own(y, sig.Knowledge.Output)
			change(m)
			s, err := student.FromModel(sig, m, "own.onnx")
			if err != nil {
				t.Fatal(err)
			}
			if len(s.Model.Graph.Inputs) != 1 {
				t.Errorf("%d inputs", len(s.Model.Graph.Inputs))
			}
			if params, _ := train(t, y, sig, s, 1, 4, 0.01); len(params.Trainable()) != 28 {
				t.Errorf("%d weights are trained, want 28", len(params.Trainable()))
			}
		})
	}
}
