// SPDX-License-Identifier: Apache-2.0

package rewrite_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

func closing(k rewrite.Knowledge) string {
	var s []string
	for _, n := range k.Closing {
		s = append(s, n.OpType)
	}
	return strings.Join(s, " ")
}

func TestFindKnowledgeTeachers(t *testing.T) {
	cases := []struct {
		name, output, logits, kind, closing string
		axis                                int
	}{
		{"mnist-burn", "33", "/norm2/BatchNormalization_output_0", rewrite.KindLogits, "LogSoftmax", -1},
		{"mnist-12", "Plus214_Output_0", "Plus214_Output_0", rewrite.KindLogits, "", -1},
		{"mnist-12-fp16", "Plus214_Output_0", "Plus214_Output_0", rewrite.KindLogits, "", -1},
		{"gesture-keypoint", "class_ids", "Add__18:0", rewrite.KindLogits, "ArgMax", -1},
		{"tract-lgbm-classifier", "probabilities", "120", rewrite.KindLogits, "Softmax", -1},
		{"tract-bidi-lstm-bytes", "output", "output", rewrite.KindLogits, "", -1},
		{"superres", "output", "output", rewrite.KindLogits, "", -1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			k, err := rewrite.FindKnowledge(teacher(t, c.name), "")
			if err != nil {
				t.Fatal(err)
			}
			if k.Output != c.output || k.Logits != c.logits || k.Kind != c.kind || closing(k) != c.closing || k.Axis != c.axis {
				t.Errorf("got %+v (%s), want %+v", k, closing(k), c)
			}
		})
	}
	t.Run("output chosen", func(t *testing.T) {
		k, err := rewrite.FindKnowledge(teacher(t, "tract-lgbm-classifier"), "output")
		if err != nil || k.Logits != "120" || closing(k) != "Softmax ArgMax" {
			t.Errorf("%+v, %v", k, err)
		}
	})
}

func TestFindKnowledge(t *testing.T) {
	int64s := func(b *onnx.Builder, v ...int64) string { return b.Int64("i", []int64{int64(len(v))}, v) }
	cases := []struct {
		name   string
		opset  int64
		typ    onnx.DataType
		rank   int
		logits string
		kind   string
		closes string
		axis   int
		emit   func(b *onnx.Builder, x string) string
	}{
		{"bare scores", 17, onnx.Float32, 2, "z", rewrite.KindLogits, "", -1,
			func(b *onnx.Builder, z string) string { return z }},
		{"softmax by default axis", 13, onnx.Float32, 2, "z", rewrite.KindLogits, "Softmax", -1,
			func(b *onnx.Builder, z string) string { return b.Op("Softmax", []string{z}) }},
		{"softmax of opset 11", 11, onnx.Float32, 2, "z", rewrite.KindLogits, "Softmax", -1,
			func(b *onnx.Builder, z string) string { return b.Op("Softmax", []string{z}) }},
		{"softmax over channels", 13, onnx.Float32, 4, "z", rewrite.KindLogits, "Softmax", 1,
			func(b *onnx.Builder, z string) string { return b.Op("Softmax", []string{z}, onnx.Int("axis", 1)) }},
		{"tails behind a softmax", 13, onnx.Float16, 2, "z", rewrite.KindLogits, "Softmax Identity Cast Reshape", -1,
			func(b *onnx.Builder, z string) string {
				y := b.Op("Identity", []string{b.Op("Softmax", []string{z}, onnx.Int("axis", -1))})
				return b.Op("Reshape", []string{b.Op("Cast", []string{y}, onnx.Int("to", 10)), int64s(b, 0, -1)})
			}},
		{"tails without a softmax", 13, onnx.Float32, 2, "Flatten", rewrite.KindLogits, "", -1,
			func(b *onnx.Builder, z string) string { return b.Op("Flatten", []string{z}) }},
		{"argmax of a softmax", 13, onnx.Int64, 1, "z", rewrite.KindLogits, "Softmax ArgMax Cast", -1,
			func(b *onnx.Builder, z string) string {
				y := b.Op("ArgMax", []string{b.Op("Softmax", []string{z}, onnx.Int("axis", -1))}, onnx.Int("axis", 1), onnx.Int("keepdims", 0))
				return b.Op("Cast", []string{y}, onnx.Int("to", 6))
			}},
		{"argmax by ranks", 13, onnx.Int64, 1, "z", rewrite.KindLogits, "ArgMax", -1,
			func(b *onnx.Builder, z string) string {
				return b.Op("ArgMax", []string{z}, onnx.Int("axis", 1), onnx.Int("keepdims", 0))
			}},
		{"spelled softmax", 13, onnx.Float32, 2, "Sub", rewrite.KindLogits, "Exp ReduceSum Div", -1,
			func(b *onnx.Builder, z string) string {
				e := b.Op("Exp", []string{b.Op("Sub", []string{z, b.Op("ReduceMax", []string{z}, onnx.Ints("axes", -1))})})
				return b.Op("Div", []string{e, b.Op("ReduceSum", []string{e, int64s(b, -1)})})
			}},
		{"normalised to one", 11, onnx.Float32, 2, "Div", rewrite.KindProbabilities, "", -1,
			func(b *onnx.Builder, z string) string {
				a := b.Op("Abs", []string{z})
				return b.Op("Div", []string{a, b.Op("ReduceSum", []string{a}, onnx.Ints("axes", 1))})
			}},
		{"normalised over samples", 11, onnx.Float32, 2, "Div", rewrite.KindLogits, "", -1,
			func(b *onnx.Builder, z string) string {
				return b.Op("Div", []string{z, b.Op("ReduceSum", []string{z}, onnx.Ints("axes", 0))})
			}},
		{"forest", 13, onnx.Float32, 2, "t_1", rewrite.KindProbabilities, "Cast", -1,
			func(b *onnx.Builder, z string) string {
				y := b.OpMulti("t", "TreeEnsembleClassifier", []string{z}, 2)
				b.G.Nodes[len(b.G.Nodes)-1].Domain = "ai.onnx.ml"
				b.G.Nodes = append(b.G.Nodes, &onnx.Node{OpType: "Cast", Inputs: y[1:], Outputs: []string{"cast"}})
				return "cast"
			}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := build(c.opset, vector, func(b *onnx.Builder, x string) string { return c.emit(b, b.OpNamed("z", "Neg", []string{x})) })
			m.Opsets = append(m.Opsets, onnx.Opset{Domain: "ai.onnx.ml", Version: 3})
			m.Graph.Outputs[0] = onnx.NewValue(m.Graph.Outputs[0].Name, c.typ, make([]onnx.Dim, c.rank)...)
			k, err := rewrite.FindKnowledge(m, "")
			if err != nil {
				t.Fatal(err)
			}
			if k.Logits != c.logits || k.Kind != c.kind || closing(k) != c.closes || k.Axis != c.axis {
				t.Errorf("got %+v (%s), want %s, %s (%s), axis %d", k, closing(k), c.logits, c.kind, c.closes, c.axis)
			}
		})
	}
}

func TestFindKnowledgeRefuses(t *testing.T) {
	m := build(17, vector, func(b *onnx.Builder, x string) string { return b.OpNamed("shape", "Shape", []string{x}) })
	m.Graph.Outputs[0].Type = onnx.Int64
	m.Graph.Outputs = append(m.Graph.Outputs, &onnx.Value{Name: "maps", Kind: "sequence"})
	cases := []struct{ name, output, want string }{
		{"integers alone", "", `no output carries scores to learn from; the model has "shape" (int64), "maps" (sequence)`},
		{"no such output", "y", `the model has no output "y"; it has "shape" (int64)`},
		{"chosen, integers", "shape", "no output carries scores"},
	}
	for _, c := range cases {
		if _, err := rewrite.FindKnowledge(m, c.output); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestTappedLogits applies the softmax itself and compares with the model's answer.
func TestTappedLogits(t *testing.T) {
	for _, name := range []string{"mnist-burn", "tract-lgbm-classifier"} {
		t.Run(name, func(t *testing.T) {
			m := teacher(t, name)
			k, err := rewrite.FindKnowledge(m, "")
			if err != nil {
				t.Fatal(err)
			}
			tapped, err := rewrite.Tap(m, k.Logits)
			if err != nil {
				t.Fatal(err)
			}
			runtime(t)
			out := run(t, tapped, 1, 4)
			at := slices.IndexFunc(m.Graph.Outputs, func(v *onnx.Value) bool { return v.Name == k.Output })
			logits, answer := out[len(out)-1].F, out[at].F
			var sum float64
			for _, z := range logits {
				sum += math.Exp(float64(z))
			}
			for i, z := range logits {
				want := math.Exp(float64(z)) / sum
				got := float64(answer[i])
				if k.Closing[0].OpType == "LogSoftmax" {
					got = math.Exp(got)
				}
				if math.Abs(got-want) > 1e-5 {
					t.Errorf("class %d: %g, want %g", i, got, want)
				}
			}
		})
	}
}

// TestKnowledgeTasks reads the task off what closes a model.
func TestKnowledgeTasks(t *testing.T) {
	cases := []struct {
		name   string
		logits string
		closes string
		task   rewrite.Task
		emit   func(b *onnx.Builder, z string) string
	}{
		{"nothing", "z", "", "", func(b *onnx.Builder, z string) string { return z }},
		{"softmax, transposed", "z", "Softmax Transpose", rewrite.Classify, func(b *onnx.Builder, z string) string {
			return b.Op("Transpose", []string{b.Op("Softmax", []string{z}, onnx.Int("axis", 1))}, onnx.Ints("perm", 0, 1))
		}},
		{"names of classes", "z", "Softmax ArgMax Gather", rewrite.Classify, func(b *onnx.Builder, z string) string {
			best := b.Op("ArgMax", []string{b.Op("Softmax", []string{z}, onnx.Int("axis", 1))}, onnx.Int("axis", 1), onnx.Int("keepdims", 0))
			return b.Op("Gather", []string{b.Init(&onnx.Tensor{Name: "names", Type: onnx.StringType, Dims: []int64{3}, Strings: [][]byte{{'a'}, {'b'}, {'c'}}}), best})
		}},
		{"sigmoid", "z", "Sigmoid", rewrite.Multilabel, func(b *onnx.Builder, z string) string { return b.Op("Sigmoid", []string{z}) }},
		{"sigmoid and a threshold", "z", "Sigmoid Greater Cast", rewrite.Multilabel, func(b *onnx.Builder, z string) string {
			y := b.Op("Greater", []string{b.Op("Sigmoid", []string{z}), b.Float32("half", nil, []float32{0.5})})
			return b.Op("Cast", []string{y}, onnx.Int("to", 1))
		}},
		{"sigmoid by hand", "z", "Neg Exp Add Div", rewrite.Multilabel, func(b *onnx.Builder, z string) string {
			one := b.Float32("one", nil, []float32{1})
			return b.Op("Div", []string{one, b.Op("Add", []string{one, b.Op("Exp", []string{b.Op("Neg", []string{z})})})})
		}},
		{"sigmoid by a reciprocal", "z", "Neg Exp Add Reciprocal", rewrite.Multilabel, func(b *onnx.Builder, z string) string {
			one := b.Float32("one", nil, []float32{1})
			return b.Op("Reciprocal", []string{b.Op("Add", []string{b.Op("Exp", []string{b.Op("Neg", []string{z})}), one})})
		}},
		{"two over one plus exp", "Div", "", "", func(b *onnx.Builder, z string) string {
			one, two := b.Float32("one", nil, []float32{1}), b.Float32("two", nil, []float32{2})
			return b.Op("Div", []string{two, b.Op("Add", []string{one, b.Op("Exp", []string{b.Op("Neg", []string{z})})})})
		}},
		{"length by LpNormalization", "z", "LpNormalization", rewrite.Embed, func(b *onnx.Builder, z string) string {
			return b.Op("LpNormalization", []string{z}, onnx.Int("axis", 1))
		}},
		{"length as torch writes it", "z", "ReduceL2 Clip Shape Expand Div", rewrite.Embed, func(b *onnx.Builder, z string) string {
			n := b.Op("Clip", []string{b.Op("ReduceL2", []string{z}, onnx.Ints("axes", 1)), b.Float32("eps", nil, []float32{1e-12})})
			return b.Op("Div", []string{z, b.Op("Expand", []string{n, b.Op("Shape", []string{z})})})
		}},
		{"length by squares", "z", "Mul ReduceSum Sqrt Div", rewrite.Embed, func(b *onnx.Builder, z string) string {
			s := b.Op("ReduceSum", []string{b.Op("Mul", []string{z, z}), b.Int64("axes", []int64{1}, []int64{1})})
			return b.Op("Div", []string{z, b.Op("Sqrt", []string{s})})
		}},
		{"divided by something else", "Div", "", "", func(b *onnx.Builder, z string) string {
			return b.Op("Div", []string{z, b.Op("Add", []string{b.Op("Exp", []string{z}), z})})
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := build(13, vector, func(b *onnx.Builder, x string) string { return c.emit(b, b.OpNamed("z", "Neg", []string{x})) })
			k, err := rewrite.FindKnowledge(m, "")
			if err != nil {
				t.Fatal(err)
			}
			if k.Logits != c.logits || k.Task != c.task || closing(k) != c.closes {
				t.Errorf("task %q at %s (%s), want %q at %s (%s)", k.Task, k.Logits, closing(k), c.task, c.logits, c.closes)
			}
		})
	}
}

// TestFindAnswers groups outputs by what they follow from.
func TestFindAnswers(t *testing.T) {
	var more []*onnx.Value
	m := build(13, vector, func(b *onnx.Builder, x string) string {
		z := b.OpNamed("z", "Neg", []string{x})
		p := b.OpNamed("p", "Softmax", []string{z}, onnx.Int("axis", 1))
		class := b.OpNamed("class", "ArgMax", []string{p}, onnx.Int("axis", 1), onnx.Int("keepdims", 0))
		more = []*onnx.Value{onnx.NewValue(class, onnx.Int64, make([]onnx.Dim, 1)...),
			onnx.NewValue(z, onnx.Float32, make([]onnx.Dim, 2)...), onnx.NewValue(p, onnx.Float32, make([]onnx.Dim, 2)...)}
		return b.OpNamed("value", "Tanh", []string{x})
	})
	m.Graph.Outputs = append(m.Graph.Outputs, more...)
	all, err := rewrite.FindAnswers(m, "z")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || all[0].Output != "z" || all[0].Task != rewrite.Classify || all[1].Output != "value" || all[1].Task != "" {
		t.Errorf("got %+v", all)
	}
	m.Graph.Outputs = append(m.Graph.Outputs, onnx.NewValue("shape", onnx.Int64))
	m.Graph.Nodes = append(m.Graph.Nodes, &onnx.Node{OpType: "Shape", Inputs: []string{"z"}, Outputs: []string{"shape"}})
	if _, err := rewrite.FindAnswers(m, ""); err == nil || !strings.Contains(err.Error(), `output "shape" (int64) does not follow from scores`) {
		t.Errorf("a shape for an output: %v", err)
	}
}
