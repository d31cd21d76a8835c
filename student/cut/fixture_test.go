// SPDX-License-Identifier: Apache-2.0

package cut

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
	"github.com/kdcompress/kdcompress/student"
	"github.com/kdcompress/kdcompress/student/engine"
)

// net builds teachers of small whole numbers, whose sums are exact in float32: the
// order in which an engine adds does not show, and equal means equal bits.
type net struct {
	*onnx.Builder
	r     *rand.Rand
	opset int64
}

// whole is a weight of whole numbers from -2 to 2.
func (b *net) whole(stem string, dims ...int64) string {
	n := int64(1)
	for _, d := range dims {
		n *= d
	}
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(b.r.IntN(5) - 2)
	}
	return b.Float32(stem, dims, v)
}

func (b *net) conv(stem, x string, in, out, size, stride, group int) string {
	w := b.whole(stem+".w", int64(out), int64(in/group), int64(size), int64(size))
	pad := int64(size / 2)
	return b.OpNamed(stem, "Conv", []string{x, w, b.whole(stem+".b", int64(out))}, onnx.Ints("kernel_shape", int64(size), int64(size)),
		onnx.Ints("strides", int64(stride), int64(stride)), onnx.Ints("pads", pad, pad, pad, pad), onnx.Int("group", int64(group)))
}

func (b *net) relu(x string) string { return b.Op("Relu", []string{x}) }

func (b *net) linear(stem, x string, in, out int) string {
	return b.OpNamed(stem, "Gemm", []string{x, b.whole(stem+".w", int64(out), int64(in)), b.whole(stem+".b", int64(out))}, onnx.Int("transB", 1))
}

func (b *net) dense(stem, x string, in, out int) string {
	return b.OpNamed(stem+".sum", "Add", []string{b.OpNamed(stem, "MatMul", []string{x, b.whole(stem+".w", int64(in), int64(out))}), b.whole(stem+".b", int64(out))})
}

func (b *net) shaped(x string, dims ...int64) string {
	return b.Op("Reshape", []string{x, b.Int64("shape", []int64{int64(len(dims))}, dims)})
}

// teacher makes a model of one input and one output.
func teacher(t testing.TB, opset int64, in []int, classes int, emit func(b *net, x string) string) student.Signature {
	t.Helper()
	b := &net{Builder: onnx.NewBuilder(&onnx.Graph{Name: "teacher"}, ""), r: rand.New(rand.NewPCG(3, 4)), opset: opset}
	dims := []onnx.Dim{onnx.Symbolic("N")}
	for _, d := range in {
		dims = append(dims, onnx.Fixed(int64(d)))
	}
	y := emit(b, b.Input("x", onnx.Float32, dims...))
	b.Output(y, onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(int64(classes)))
	m := &onnx.Model{IRVersion: 7, Opsets: []onnx.Opset{{Version: opset}}, Graph: b.G}
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	k, err := rewrite.FindKnowledge(m, "")
	if err != nil {
		t.Fatal(err)
	}
	return student.Signature{Teacher: m, Knowledge: k, Inputs: [][]int{in}, Logits: []int{classes}}
}

// samples are whole numbers from -3 to 3.
func samples(in []int, n int, seed uint64) *Samples {
	per := 1
	for _, d := range in {
		per *= d
	}
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, n*per)
	for i := range x {
		x[i] = float32(r.IntN(7) - 3)
	}
	return &Samples{N: n, Inputs: [][]float32{x}}
}

// answers computes the tensors that a student learns in the engine, one after the other.
func answers(t testing.TB, sig student.Signature, m *onnx.Model, s *Samples) []float32 {
	t.Helper()
	w := &work{sig: sig, shards: 2}
	p, err := w.compile(m, s.N, engine.Options{Outputs: w.scores()})
	if err != nil {
		t.Fatal(err)
	}
	copy(p.Input("x"), s.Inputs[0])
	if err := p.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	var all []float32
	for _, name := range w.scores() {
		all = append(all, p.Output(name)...)
	}
	return all
}
