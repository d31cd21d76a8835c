// SPDX-License-Identifier: Apache-2.0

package student_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/kdcompress/kdcompress/compress/loss"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
	"github.com/kdcompress/kdcompress/student"
	"github.com/kdcompress/kdcompress/student/engine"
	"github.com/kdcompress/kdcompress/student/optim"
)

// toy says what a teacher looks like from outside.
type toy struct {
	inputs [][]int         // per-sample shapes
	types  []onnx.DataType // of the inputs; float32 where left out
	vocab  []int           // rows of the table an input is looked up in; -1 for a mask of 0 and 1
	logits []int           // per-sample shape; [4] if nil
	ending string          // the closing operator, "" for none
	output onnx.DataType   // of the logits and what follows; float32 if zero
	batch  int             // declared; 0 is a symbol
	opset  int64           // 13 if zero
}

func (y toy) filled() toy {
	for len(y.types) < len(y.inputs) {
		y.types = append(slices.Clone(y.types), onnx.Float32)
	}
	for len(y.vocab) < len(y.inputs) {
		y.vocab = append(slices.Clone(y.vocab), 0)
	}
	if y.logits == nil {
		y.logits = []int{4}
	}
	if y.output == onnx.Undefined {
		y.output = onnx.Float32
	}
	if y.opset == 0 {
		y.opset = 13
	}
	return y
}

// irOf is the IR version that came with an operator set.
var irOf = map[int64]int64{9: 4, 11: 6, 13: 7, 17: 8}

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// signature makes a teacher, one linear layer over everything it reads, and what
// a student has to keep of it.
func (y toy) signature(t testing.TB) student.Signature {
	t.Helper()
	y = y.filled()
	batch := onnx.Symbolic("N")
	if y.batch > 0 {
		batch = onnx.Fixed(int64(y.batch))
	}
	b := onnx.NewBuilder(&onnx.Graph{Name: "teacher"}, "")
	r := rand.New(rand.NewPCG(5, 6))
	normal := func(stem string, std float64, dims ...int64) string {
		v := make([]float32, dims[0]*dims[1])
		for i := range v {
			v[i] = float32(r.NormFloat64() * std)
		}
		return b.Float32(stem, dims, v)
	}
	var parts []string
	features := 0
	for i, shape := range y.inputs {
		dims := []onnx.Dim{batch}
		for _, d := range shape {
			dims = append(dims, onnx.Fixed(int64(d)))
		}
		x := b.Input("in"+strconv.Itoa(i), y.types[i], dims...)
		per := product(shape)
		switch {
		case y.vocab[i] > 0:
			x = b.Op("Gather", []string{normal("table", 1, int64(y.vocab[i]), 3), b.Op("Cast", []string{x}, onnx.Int("to", int64(onnx.Int64)))})
			per *= 3
		case y.types[i] != onnx.Float32:
			x = b.Op("Cast", []string{x}, onnx.Int("to", int64(onnx.Float32)))
		}
		parts = append(parts, b.Op("Flatten", []string{x}, onnx.Int("axis", 1)))
		features += per
	}
	x := b.Op("Concat", parts, onnx.Int("axis", 1))
	classes := product(y.logits)
	z := b.Op("Gemm", []string{x, normal("w", 2/math.Sqrt(float64(features)), int64(features), int64(classes)), normal("c", 0.1, 1, int64(classes))})
	out := []onnx.Dim{batch}
	if len(y.logits) > 1 {
		to := []int64{-1}
		for _, d := range y.logits {
			to = append(to, int64(d))
		}
		z = b.Op("Reshape", []string{z, b.Int64("shape", []int64{int64(len(to))}, to)})
	}
	for _, d := range y.logits {
		out = append(out, onnx.Fixed(int64(d)))
	}
	if y.output != onnx.Float32 {
		z = b.Op("Cast", []string{z}, onnx.Int("to", int64(y.output)))
	}
	switch y.ending {
	case "":
	case "ArgMax":
		z = b.Op("ArgMax", []string{z}, onnx.Int("axis", 1), onnx.Int("keepdims", 0))
		out, y.output = out[:1], onnx.Int64
	default:
		z = b.Op(y.ending, []string{z}, onnx.Int("axis", int64(len(y.logits))))
	}
	b.Output(z, y.output, out...)
	m := &onnx.Model{IRVersion: irOf[y.opset], Opsets: []onnx.Opset{{Version: y.opset}}, ProducerName: "toy",
		Metadata: []onnx.Property{{Key: "labels", Value: "a,b,c,d"}}, Graph: b.G}
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	k, err := rewrite.FindKnowledge(m, "")
	if err != nil {
		t.Fatal(err)
	}
	return student.Signature{Teacher: m, Knowledge: k, Inputs: y.inputs, Logits: y.logits}
}

// batchOf draws samples for the inputs: numbers around zero, or whole numbers for
// an integer input.
func (y toy) batchOf(n int, seed uint64) [][]float32 {
	y = y.filled()
	r := rand.New(rand.NewPCG(seed, 17))
	var all [][]float32
	for i, shape := range y.inputs {
		x := make([]float32, n*product(shape))
		for j := range x {
			switch v := y.vocab[i]; {
			case v > 0:
				x[j] = float32(r.IntN(v))
			case v < 0:
				x[j] = float32(max(r.IntN(2), 1-j%product(shape))) // the first place counts
			case y.types[i] == onnx.Float32:
				x[j] = float32(0.3 + 1.5*r.NormFloat64())
			case y.types[i] == onnx.Float16:
				x[j] = float32(r.IntN(64)-32) / 16 // numbers that half precision holds
			default:
				x[j] = float32(r.IntN(5))
			}
		}
		all = append(all, x)
	}
	return all
}

// answers computes a tensor of a graph in the engine.
func answers(t testing.TB, g *onnx.Graph, params *engine.Params[float32], opset int64, n int, in [][]float32, out string) []float32 {
	t.Helper()
	if params == nil {
		var err error
		if params, err = engine.NewParams[float32](g, nil); err != nil {
			t.Fatal(err)
		}
	}
	p, err := engine.Compile(g, params, engine.Options{Batch: n, Shards: 2, Opset: int(opset), Outputs: []string{out}})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range g.DataInputs() {
		copy(p.Input(v.Name), in[i])
	}
	if err := p.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	return slices.Clone(p.Output(out))
}

// teacherLogits are the teacher's answers.
func teacherLogits(t testing.TB, sig student.Signature, n int, in [][]float32) []float32 {
	t.Helper()
	return answers(t, sig.Teacher.Graph, nil, sig.Teacher.Opset(""), n, in, sig.Knowledge.Logits)
}

// train takes steps with the distillation loss over fresh batches of a toy
// teacher, leaves the weights in the student's graph, and returns them with the
// loss before every step.
func train(t testing.TB, y toy, sig student.Signature, s *student.Student, steps, batch int, rate float64) (*engine.Params[float32], []float64) {
	t.Helper()
	g, opset, width := s.Model.Graph.Clone(), int(sig.Teacher.Opset("")), product(sig.Logits)
	params, err := engine.NewParams[float32](g, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := onnx.NewBuilder(g, "loss.")
	target := b.Input("target", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(int64(width)))
	logits := s.Logits
	if len(sig.Logits) != 1 {
		logits = b.Op("Reshape", []string{logits, b.Int64("rows", []int64{2}, []int64{-1, int64(width)})})
	}
	term, err := loss.NewTerm("kd", 1, map[string]float64{"temperature": 2})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := engine.Compile(g, params, engine.Options{Batch: batch, Shards: 2, Opset: opset, Training: true,
		Losses: term.Append(b, opset, width, logits, func(loss.Target) string { return target }), Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	o := optim.NewAdamW(len(params.Trainable()), nil)
	var curve []float64
	for step := range steps {
		in := y.batchOf(batch, uint64(100+step%4))
		for i, v := range sig.Teacher.Graph.DataInputs() {
			copy(plan.Input(v.Name), in[i])
		}
		copy(plan.Input(target), teacherLogits(t, sig, batch, in))
		if err := plan.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		curve = append(curve, plan.Loss())
		o.Step(params.Trainable(), params.Grad, rate)
	}
	if err := params.Store(s.Model.Graph); err != nil {
		t.Fatal(err)
	}
	return params, curve
}

// library loads ONNX Runtime, or skips the test where there is none.
func library(t testing.TB) {
	t.Helper()
	path, _, err := ort.Find("")
	if err != nil {
		t.Skipf("needs the ONNX Runtime library: %v", err)
	}
	if err := ort.Init(path); err != nil {
		t.Fatal(err)
	}
}

// inRuntime runs a model of one output in ONNX Runtime, n samples at once, or one
// by one where it declares a batch of 1.
func inRuntime(t testing.TB, m *onnx.Model, dims [][]int, n int, in [][]float32) []float32 {
	t.Helper()
	b, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	s, err := ort.Open(b, ort.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	at := n
	if m.Graph.DataInputs()[0].Dims[0].Size == 1 {
		at = 1
	}
	var all []float32
	for lo := 0; lo < n; lo += at {
		var feed []ort.Value
		for i, v := range m.Graph.DataInputs() {
			shape := []int64{int64(at)}
			for _, d := range dims[i] {
				shape = append(shape, int64(d))
			}
			per := product(dims[i])
			x, err := ort.FromFloat32(v.Type, shape, in[i][lo*per:(lo+at)*per])
			if err != nil {
				t.Fatal(err)
			}
			feed = append(feed, x)
		}
		out, err := s.Run(context.Background(), feed)
		if err != nil {
			t.Fatal(err)
		}
		f, err := out[0].Float32s()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f...)
	}
	return all
}

// closed applies a closing operator to rows of logits.
func closed(ending string, logits []float32, width int) []float32 {
	var out []float32
	for ; len(logits) > 0; logits = logits[width:] {
		row := logits[:width]
		best, sum := 0, 0.0
		for i, v := range row {
			if v > row[best] {
				best = i
			}
			sum += math.Exp(float64(v))
		}
		if ending == "ArgMax" {
			out = append(out, float32(best))
			continue
		}
		for _, v := range row {
			switch ending {
			case "Softmax":
				v = float32(math.Exp(float64(v)) / sum)
			case "LogSoftmax":
				v = float32(float64(v) - math.Log(sum))
			}
			out = append(out, v)
		}
	}
	return out
}

// near compares answers, with a tolerance relative above 1.
func near(t testing.TB, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	for i := range got {
		if d := math.Abs(float64(got[i] - want[i])); !(d <= tolerance*max(1, math.Abs(float64(want[i])))) {
			t.Fatalf("%s: number %d is %g, want %g", what, i, got[i], want[i])
		}
	}
}

func encode(t testing.TB, m *onnx.Model) string {
	t.Helper()
	b, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func spec(t testing.TB, s string) student.Spec {
	t.Helper()
	p, err := student.ParseSpec(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func build(t testing.TB, sig student.Signature, s student.Spec, seed uint64) *student.Student {
	t.Helper()
	st, err := student.Build(sig, s, seed)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func export(t testing.TB, s *student.Student) *onnx.Model {
	t.Helper()
	m, err := s.Export()
	if err != nil {
		t.Fatal(err)
	}
	return m
}
