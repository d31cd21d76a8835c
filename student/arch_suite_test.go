// SPDX-License-Identifier: Apache-2.0

package student_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/compress/report"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student"
)

var ints = []onnx.DataType{onnx.Int64, onnx.Int64, onnx.Int64}

// small are the least teachers, one of which every architecture fits; options are
// tried on it and, to tell their students apart, on one of large.
var small, large = []toy{
	{inputs: [][]int{{1, 5, 5}}}, {inputs: [][]int{{2, 6}}}, {inputs: [][]int{{6}, {}}, types: []onnx.DataType{onnx.Float32, onnx.Int64}, vocab: []int{0, 9}}, {inputs: [][]int{{6}}, types: ints, vocab: []int{9}},
	{inputs: [][]int{{1, 5, 5}}, logits: []int{1, 5, 5}}, {inputs: [][]int{{6, 2}}, logits: []int{6, 3}},
}, []toy{
	{inputs: [][]int{{8, 12, 12}}}, {inputs: [][]int{{2, 40}}}, {inputs: [][]int{{40}, {}}, types: []onnx.DataType{onnx.Float32, onnx.Int64}, vocab: []int{0, 9}}, {inputs: [][]int{{30}, {30}}, types: ints, vocab: []int{50, -1}},
	{inputs: [][]int{{8, 12, 12}}, logits: []int{2, 12, 12}}, {inputs: [][]int{{30, 3}}, logits: []int{30, 4}},
}

// suited is the position in small and large of teachers that an architecture fits.
func suited(t *testing.T, a *student.Arch) int {
	t.Helper()
	for i := range small {
		if fits(t, a, small[i]) == nil && fits(t, a, large[i]) == nil {
			return i
		}
	}
	t.Fatalf("%s fits no small teacher: give it one here", a.Name)
	return 0
}

func fits(t testing.TB, a *student.Arch, y toy) error { return a.Suits(y.signature(t)) }

// toys are the teachers every architecture has to fit, or refuse.
func toys() map[string]toy {
	all := map[string]toy{
		"grey picture":        {inputs: [][]int{{1, 28, 28}}, logits: []int{10}, ending: "Softmax"},
		"colour picture":      {inputs: [][]int{{3, 32, 32}}, logits: []int{10}},
		"channels last":       {inputs: [][]int{{16, 16, 3}}},
		"no channels":         {inputs: [][]int{{9, 13}}},
		"flat":                {inputs: [][]int{{42}}, logits: []int{3}, ending: "ArgMax"},
		"a number":            {inputs: [][]int{{}}},
		"sequence":            {inputs: [][]int{{1, 50}}},
		"two inputs":          {inputs: [][]int{{3, 4}, {5}}},
		"two types":           {inputs: [][]int{{3, 4}, {5}}, types: []onnx.DataType{onnx.Float32, onnx.Int64}},
		"bytes":               {inputs: [][]int{{3, 6, 6}}, types: []onnx.DataType{onnx.Uint8}},
		"half precision":      {inputs: [][]int{{3, 6, 6}}, types: []onnx.DataType{onnx.Float16}},
		"doubles":             {inputs: [][]int{{3, 6, 6}}, types: []onnx.DataType{onnx.Float64}},
		"half out":            {inputs: [][]int{{3, 6, 6}}, types: []onnx.DataType{onnx.Float16}, output: onnx.Float16},
		"half softmax":        {inputs: [][]int{{3, 6, 6}}, output: onnx.Float16, ending: "Softmax"},
		"half argmax":         {inputs: [][]int{{3, 6, 6}}, output: onnx.Float16, ending: "ArgMax"},
		"signal":              {inputs: [][]int{{2, 40}}},
		"vectors":             {inputs: [][]int{{12, 3}}, opset: 17},
		"tokens":              {inputs: [][]int{{9}}, types: ints, vocab: []int{20}, ending: "Softmax"},
		"tokens and mask":     {inputs: [][]int{{9}, {9}, {9}}, types: ints, vocab: []int{20, -1, 2}, opset: 17},
		"picture to picture":  {inputs: [][]int{{3, 6, 6}}, logits: []int{2, 6, 6}},
		"twice as large":      {inputs: [][]int{{1, 4, 6}}, logits: []int{3, 8, 12}},
		"half as large":       {inputs: [][]int{{1, 4, 6}}, logits: []int{3, 2, 3}},
		"from channels last":  {inputs: [][]int{{8, 6, 3}}, logits: []int{16, 12, 2}},
		"from no channels":    {inputs: [][]int{{6, 8}}, logits: []int{6, 8}},
		"tags":                {inputs: [][]int{{12, 3}}, logits: []int{12, 4}},
		"tags of tokens":      {inputs: [][]int{{9}, {9}}, types: ints, vocab: []int{20, -1}, logits: []int{9, 4}},
		"tags, classes first": {inputs: [][]int{{12, 3}}, logits: []int{4, 12}},
		"logits of rank 3":    {inputs: [][]int{{3, 6, 6}}, logits: []int{1, 5}, ending: "LogSoftmax"},
	}
	for _, opset := range []int64{9, 11, 13, 17} {
		all[fmt.Sprintf("picture at opset %d", opset)] = toy{inputs: [][]int{{3, 6, 6}}, opset: opset}
		all[fmt.Sprintf("tokens at opset %d", opset)] = toy{inputs: [][]int{{6}, {6}}, types: ints, vocab: []int{9, -1}, opset: opset}
		for _, ending := range []string{"", "Softmax", "LogSoftmax", "ArgMax"} {
			for _, batch := range []int{0, 1} {
				name := fmt.Sprintf("opset %d, batch %d, closing %q", opset, batch, ending)
				all[name] = toy{inputs: [][]int{{3, 6, 6}}, ending: ending, batch: batch, opset: opset}
			}
		}
	}
	return all
}

// TestArchitectures holds every registered architecture to what a student is:
// reproducible, a valid model, trainable, the same in ONNX Runtime as in the
// engine that trained it, and its teacher's equal from outside.
func TestArchitectures(t *testing.T) {
	for _, name := range student.Names() {
		count := 0
		for what, y := range toys() {
			if strings.Contains(what, "closing") && name != "convnet" && name != "mlp" {
				continue // what follows the logits does not depend on the architecture
			}
			if fits(t, student.Lookup(name), y) != nil {
				continue
			}
			count++
			t.Run(name+"/"+what, func(t *testing.T) { suite(t, y, student.Spec{Arch: name}) })
		}
		if count == 0 {
			t.Errorf("%s fits none of the teachers here", name)
		}
	}
}

// suite is what holds for a student of any specification.
func suite(t *testing.T, y toy, sp student.Spec) {
	sig := y.signature(t)
	before := encode(t, sig.Teacher)
	s := build(t, sig, sp, 1)
	if err := s.Model.Check(); err != nil {
		t.Fatal(err)
	}
	first := encode(t, s.Model)
	if encode(t, build(t, sig, sp, 1).Model) != first {
		t.Error("the same seed gives other bytes")
	}
	if encode(t, build(t, sig, sp, 2).Model) == first {
		t.Error("another seed gives the same bytes")
	}
	params, _ := train(t, y, sig, s, 4, 8, 0.02)
	if encode(t, s.Model) == first {
		t.Error("training changed nothing")
	}
	if encode(t, sig.Teacher) != before {
		t.Error("the teacher was changed")
	}
	m := export(t, s)
	sameOutside(t, sig.Teacher, m)
	for _, n := range m.Graph.Nodes {
		if n.OpType == "BatchNormalization" || n.OpType == "Dropout" {
			t.Errorf("the exported model has a %s", n.OpType)
		}
	}
	const samples = 5
	in := y.batchOf(samples, 9)
	want := closed(y.ending, answers(t, s.Model.Graph, params, sig.Teacher.Opset(""), samples, in, s.Logits), product(sig.Logits))
	library(t)
	tolerance := 1e-4
	if y.output == onnx.Float16 {
		tolerance = 1e-3 // half an ulp at 1 is 0.0005
	}
	near(t, "ONNX Runtime against the engine", inRuntime(t, m, sig.Inputs, samples, in), want, tolerance)
}

// sameOutside says whether a client can tell the two apart.
func sameOutside(t *testing.T, teacher, m *onnx.Model) {
	t.Helper()
	for _, d := range report.Contract(teacher, m) {
		t.Errorf("%s: %s: %s", d.Severity, d.Where, d.Text)
	}
	if m.Opset("") > teacher.Opset("") || m.IRVersion > teacher.IRVersion {
		t.Errorf("opset %d and IR version %d, the teacher's %d and %d", m.Opset(""), m.IRVersion, teacher.Opset(""), teacher.IRVersion)
	}
}

// TestArchitectureOptions tries every option at its ends or with each of its
// choices, all other numbers at their smallest, and checks that it does something.
func TestArchitectureOptions(t *testing.T) {
	for _, name := range student.Names() {
		a := student.Lookup(name)
		at := suited(t, a)
		y := small[at]
		least := map[string]string{}
		for _, o := range a.Options {
			if o.Max > 0 {
				least[o.Name] = strconv.Itoa(max(o.Min, 1))
			}
		}
		for _, o := range a.Options {
			values := o.Choices
			if o.Max > 0 {
				values = []string{strconv.Itoa(o.Min), strconv.Itoa(o.Max)}
			} else if !slices.Contains(values, o.Default) {
				t.Errorf("%s: the default of %s, %q, is none of its choices", name, o.Name, o.Default)
			}
			seen := map[string]string{}
			for _, v := range values {
				t.Run(name+"/"+o.Name+"="+v, func(t *testing.T) {
					with := student.Spec{Arch: name, Options: map[string]string{}}
					for k, x := range least {
						with.Options[k] = x
					}
					with.Options[o.Name] = v
					if got := spec(t, with.String()); got.String() != with.String() {
						t.Errorf("%s is read as %s", with, got)
					}
					once(t, y, with)
				})
				wide := student.Spec{Arch: name, Options: map[string]string{o.Name: v}}
				if o.Max > 300 {
					wide.Options[o.Name] = strconv.Itoa(8 + len(seen))
				}
				first := encode(t, build(t, large[at].signature(t), wide, 1).Model)
				if old, ok := seen[first]; ok {
					t.Errorf("%s: %s=%s and %s make the same student", name, o.Name, v, old)
				}
				seen[first] = v
			}
		}
	}
}

// once is suite for a student that may be large: nothing is done twice.
func once(t *testing.T, y toy, sp student.Spec) {
	sig := y.signature(t)
	s := build(t, sig, sp, 1)
	params, _ := train(t, y, sig, s, 2, 4, 0.01)
	m := export(t, s)
	sameOutside(t, sig.Teacher, m)
	in := y.batchOf(2, 9)
	want := answers(t, s.Model.Graph, params, sig.Teacher.Opset(""), 2, in, s.Logits)
	library(t)
	near(t, "ONNX Runtime against the engine", inRuntime(t, m, sig.Inputs, 2, in), want, 1e-4)
}

// TestArchitecturesLearn trains every architecture for twenty steps.
func TestArchitecturesLearn(t *testing.T) {
	for _, name := range student.Names() {
		t.Run(name, func(t *testing.T) {
			y := []toy{{inputs: [][]int{{1, 8, 8}}}, {inputs: [][]int{{3, 8}}}, {inputs: [][]int{{12}}}, {inputs: [][]int{{8}}, types: ints, vocab: []int{9}},
				{inputs: [][]int{{1, 4, 4}}, logits: []int{1, 4, 4}}, {inputs: [][]int{{6, 2}}, logits: []int{6, 3}}}[suited(t, student.Lookup(name))]
			if len(y.logits) < 2 {
				y.ending = "Softmax"
			}
			sig := y.signature(t)
			s := build(t, sig, student.Spec{Arch: name}, 1)
			_, curve := train(t, y, sig, s, 20, 64, 5e-3)
			if first, last := mean(curve[:4]), mean(curve[16:]); !(last < 0.7*first) {
				t.Errorf("the loss went from %.4f to %.4f", first, last)
			}
		})
	}
}

func mean(v []float64) float64 {
	var sum float64
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

func TestFits(t *testing.T) {
	ids := toy{inputs: [][]int{{8}, {8}}, types: ints, vocab: []int{9, -1}}
	for _, c := range []struct {
		name, arch string
		toy        toy
		want       string // part of the reason; "" where it fits
	}{
		{"a perceptron reads anything", "mlp", toy{inputs: [][]int{{1}, {2, 3, 4, 5}}}, ""},
		{"channels first", "convnet", toy{inputs: [][]int{{3, 8, 8}}}, ""},
		{"channels last", "convnet", toy{inputs: [][]int{{8, 8, 3}}}, ""},
		{"many channels", "convnet", toy{inputs: [][]int{{64, 8, 8}}}, ""},
		{"no channels", "convnet", toy{inputs: [][]int{{8, 8}}}, ""},
		{"a row", "convnet", toy{inputs: [][]int{{1, 8}}}, "a sample here is [1 8]"},
		{"flat", "resnet", toy{inputs: [][]int{{8}}}, "a sample here is [8]"},
		{"two pictures", "mobilenet", toy{inputs: [][]int{{3, 8, 8}, {3, 8, 8}}}, "reads one input, the teacher has 2"},
		{"volumes", "convnet", toy{inputs: [][]int{{1, 8, 8, 8}}}, "a sample here is [1 8 8 8]"},
		{"a signal", "conv1d", toy{inputs: [][]int{{2, 8}}}, ""},
		{"a picture over time", "conv1d", toy{inputs: [][]int{{2, 8, 8}}}, "a sample here is [2 8 8]"},
		{"two signals", "conv1d", toy{inputs: [][]int{{8}, {8}}}, "reads one input"},
		{"tokens over time", "conv1d", toy{inputs: [][]int{{8}}, types: ints, vocab: []int{9}}, "a sample here is [8] of int64"},
		{"tokens", "textcnn", ids, ""},
		{"tokens", "transformer", ids, ""},
		{"vectors", "transformer", toy{inputs: [][]int{{8, 3}}}, ""},
		{"one vector", "transformer", toy{inputs: [][]int{{8}}}, "nor is a sample one sequence of vectors"},
		{"numbers without a table", "textcnn", toy{inputs: [][]int{{8}}, types: ints}, "the number of tokens is not known"},
		{"bytes", "textcnn", toy{inputs: [][]int{{8}}, types: []onnx.DataType{onnx.Uint8}}, ""},
		{"two lengths", "textcnn", toy{inputs: [][]int{{8}, {7}}, types: ints, vocab: []int{9, 9}}, `input "in1" is [7] of int64`},
		{"columns", "tabular", toy{inputs: [][]int{{8}, {}}}, ""},
		{"a picture for a picture", "fcn", toy{inputs: [][]int{{3, 8, 8}}, logits: []int{1, 24, 24}}, ""},
		{"a picture of another shape", "fcn", toy{inputs: [][]int{{3, 8, 8}}, logits: []int{1, 8, 16}}, "[1 8 16] for [3 8 8] is not"},
		{"classes for a picture", "fcn", toy{inputs: [][]int{{3, 8, 8}}, logits: []int{10}}, "not with [10]"},
		{"tags for a sequence", "tcn", toy{inputs: [][]int{{8, 3}}, logits: []int{8, 2}}, ""},
		{"classes for a sequence", "tcn", toy{inputs: [][]int{{8, 3}}, logits: []int{2}}, "answers at every place of a sequence, [8, classes] here, not with [2]"},
		{"columns of columns", "tabular", toy{inputs: [][]int{{8, 2}}}, `input "in0" is [8 2] a sample`},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := fits(t, student.Lookup(c.arch), c.toy)
			refused(t, err, c.want)
			if err == nil {
				return
			}
			if _, built := student.Build(c.toy.signature(t), student.Spec{Arch: c.arch}, 1); built == nil || built.Error() != err.Error() {
				t.Errorf("Build says %v, Fits %v", built, err)
			}
		})
	}
}

// refused checks a one-line error that contains want, or none for "".
func refused(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Error(err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n")):
		t.Errorf("error %v, want one line with %q", err, want)
	}
}

func TestBuildRefuses(t *testing.T) {
	y := toy{inputs: [][]int{{6}}}
	for _, c := range []struct {
		name   string
		spec   string
		change func(*student.Signature)
		want   string
	}{
		{"an old opset", "mlp", func(s *student.Signature) { s.Teacher.Opsets[0].Version = 8 }, "opset 8; students are written from opset 9 on"},
		{"two outputs", "mlp", func(s *student.Signature) {
			s.Teacher.Graph.Outputs = append(s.Teacher.Graph.Outputs, onnx.NewValue("Flatten", onnx.Float32))
		}, `output "Flatten" does not follow from the same scores as "Gemm"`},
		{"too many weights", "convnet:width=4096,depth=8", func(s *student.Signature) { s.Inputs = [][]int{{1, 28, 28}} }, "weights, more than an ONNX file of 2 GiB holds"},
		{"a closing node that reads more", "mlp", func(s *student.Signature) {
			n := &onnx.Node{Name: "tail", OpType: "Add", Inputs: []string{"Gemm", "Flatten"}, Outputs: []string{"sum"}}
			s.Teacher.Graph.Nodes = append(s.Teacher.Graph.Nodes, n)
			s.Teacher.Graph.Outputs = []*onnx.Value{onnx.NewValue("sum", onnx.Float32)}
			s.Knowledge.Output, s.Knowledge.Closing = "sum", []*onnx.Node{n}
		}, `it follows the logits and reads "Flatten", which a student does not have`},
	} {
		t.Run(c.name, func(t *testing.T) {
			sig := y.signature(t)
			c.change(&sig)
			_, err := student.Build(sig, spec(t, c.spec), 1)
			refused(t, err, c.want)
		})
	}
}

// TestSized trains a student whose teacher leaves the length of a text open.
func TestSized(t *testing.T) {
	y := toy{inputs: [][]int{{9}, {9}}, types: ints, vocab: []int{20, -1}}
	sig := y.signature(t)
	for _, v := range sig.Teacher.Graph.Inputs {
		v.Dims[1] = onnx.Dim{Size: -1}
	}
	s := build(t, sig, student.Spec{Arch: "transformer"}, 1)
	g := student.Sized(s.Model.Graph, [][]int{{9}})
	if a, b := g.Inputs[0].Dims[1], s.Model.Graph.Inputs[0].Dims[1]; a != onnx.Fixed(9) || b.Size != -1 {
		t.Errorf("length %v, in the student itself %v", a, b)
	}
	if d := g.Inputs[1].Dims[1]; d.Size != -1 {
		t.Errorf("an input without a given shape has length %v", d)
	}
	in := y.batchOf(3, 5)
	sized := student.Sized(s.Model.Graph, sig.Inputs)
	want := answers(t, sized, nil, 13, 3, in, s.Logits)
	library(t)
	near(t, "ONNX Runtime against the engine", inRuntime(t, export(t, s), sig.Inputs, 3, in), want, 1e-4)
}
