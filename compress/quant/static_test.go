// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"bytes"
	"context"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
)

// static quantizes one of the nets.
func static(t testing.TB, m *onnx.Model, calibrator string) (*Plan, *onnx.Model) {
	t.Helper()
	p, o := planned(t, m, samples(m, 8, 16))
	q, err := p.Static(o, StaticOptions{Calibrator: LookupCalibrator(calibrator), Integers: IntegersHere(), Correct: true})
	if err != nil {
		t.Fatal(err)
	}
	return p, q.Model
}

// TestFusion is the proof that nothing runs between DequantizeLinear and
// QuantizeLinear: ONNX Runtime's optimised graph has an integer operator for every
// layer, no DequantizeLinear at all, and a QuantizeLinear only where numbers come
// from an operator that stays in float.
func TestFusion(t *testing.T) {
	library(t)
	for _, c := range nets {
		t.Run(c.name, func(t *testing.T) {
			m := model(c.name)
			p, q := static(t, m, "minmax")
			if len(p.Layers) != c.count {
				t.Errorf("%d layers, want %d; in float: %v", len(p.Layers), c.count, p.Float)
			}
			f, err := Fused(encoded(t, q))
			if err != nil {
				t.Fatal(err)
			}
			if f.Integer != len(p.Layers) || len(f.Stray) > 0 {
				t.Errorf("%d of %d layers compute with integers; stray %v; graph %v", f.Integer, len(p.Layers), f.Stray, f.Operators)
			}
			edges := 0
			for _, a := range p.tensors {
				if !a.born {
					edges++
				}
			}
			if f.Operators["QuantizeLinear"] != edges || f.Operators["DequantizeLinear"] != 0 {
				t.Errorf("stray pairs: %v, want %d QuantizeLinear and no DequantizeLinear", f.Operators, edges)
			}
			for n, r := range p.rule {
				if len(r.Fused) > 0 && !slices.ContainsFunc(r.Fused, func(op string) bool { return f.Operators[op] > 0 }) {
					t.Errorf("%s %s: none of %v in %v", n.OpType, title(n), r.Fused, f.Operators)
				}
			}
		})
	}
}

// TestStrayIsFound: a Relu between a convolution and its QuantizeLinear, with a zero
// point other than the smallest integer, leaves the convolution in float, and Fused
// says so. Without one, the rewritten net keeps all its layers.
func TestStrayIsFound(t *testing.T) {
	library(t)
	_, q := static(t, model("residual"), "minmax")
	quantizes := q.Graph.Consumers()
	var nodes []*onnx.Node
	for _, n := range q.Graph.Nodes {
		nodes = append(nodes, n)
		if n.OpType == "Relu" || n.OpType == "Clip" {
			t.Errorf("%s %s is left for ONNX Runtime to take out", n.OpType, title(n))
		}
		if r := quantizes[n.Outputs[0]]; n.OpType == "Conv" && len(r) == 1 && r[0].OpType == "QuantizeLinear" && q.Graph.Initializer(r[0].Inputs[2]).Data[0] == smallestInteger() {
			nodes = append(nodes, &onnx.Node{OpType: "Relu", Inputs: []string{n.Outputs[0]}, Outputs: []string{n.Outputs[0] + "_relu"}})
			r[0].Inputs[0] = n.Outputs[0] + "_relu"
		}
	}
	q.Graph.Nodes = nodes
	f, err := Fused(encoded(t, q))
	if err != nil || len(f.Stray) > 0 || f.Integer != 4 {
		t.Errorf("with zero points at the end: %+v, %v", f, err)
	}
	for _, init := range q.Graph.Initializers {
		if len(init.Dims) == 0 && len(init.Data) == 1 && init.Data[0] == smallestInteger() {
			init.Data[0] ^= 128
		}
	}
	if f, err = Fused(encoded(t, q)); err != nil || len(f.Stray) == 0 {
		t.Errorf("no stray layer in %v, %v", f.Operators, err)
	}
}

// smallestInteger is the byte of an activation's zero point behind a Relu.
func smallestInteger() byte {
	lo, _ := IntegersHere().ends()
	return byte(int(lo))
}

// TestStaticAnswers holds the integers against the float model, as ONNX Runtime
// fuses them and as the file spells them.
func TestStaticAnswers(t *testing.T) {
	library(t)
	for _, c := range nets {
		for _, calibrator := range Calibrators() {
			t.Run(c.name+"/"+calibrator.Name, func(t *testing.T) {
				m := model(c.name)
				_, q := static(t, m, calibrator.Name)
				f := samples(m, 3, 5)
				want := outputs(t, m, f, ort.Options{})
				fused, plain := outputs(t, q, f, ort.Options{}), outputs(t, q, f, ort.Options{NoOptimise: true})
				// Clipping calibrators pay for resolution that inputs of normal noise do not need.
				bound := 0.003
				if calibrator.Name == "entropy" {
					bound = 0.05
				}
				if e := noise(want, fused); e > bound {
					t.Errorf("the error has %.4f of the output's energy", e)
				}
				if e := noise(plain, fused); e > 1e-4 {
					t.Errorf("fused and spelled out differ by %.6f of the output's energy", e)
				}
			})
		}
	}
}

// TestStoredSmall: weights lie in the file as int8, under their own names, and
// none is left in float.
func TestStoredSmall(t *testing.T) {
	library(t)
	for _, c := range nets {
		m := model(c.name)
		p, q := static(t, m, "minmax")
		for _, l := range p.Layers {
			if w := q.Graph.Initializer(l.Weight); w == nil || w.Type != onnx.Int8 {
				t.Errorf("%s: weight %q is not stored as int8", c.name, l.Weight)
			}
		}
		for _, s := range Sizes(m, q) {
			if s.Elements > 100 && s.After != s.Elements {
				t.Errorf("%s: %+v", c.name, s)
			}
		}
	}
}

// TestKeep leaves a named layer in float.
func TestKeep(t *testing.T) {
	m, err := Prepare(model("plain"), nil)
	if err != nil {
		t.Fatal(err)
	}
	all, err := NewPlan(m, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPlan(m, map[string]bool{all.Layers[1].Node: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Layers) != 3 || len(p.Float) != 1 || p.Float[0].Node != all.Layers[1].Node || p.Float[0].Why == "" {
		t.Errorf("integers %v, float %v", p.Layers, p.Float)
	}
}

func TestOldOpset(t *testing.T) {
	m := model("plain")
	m.Opsets[0].Version = 9
	if _, err := NewPlan(m, nil); err == nil || !strings.Contains(err.Error(), "opset 9") {
		t.Errorf("error %v", err)
	}
	if _, _, err := Dynamic(m, IntegersHere()); err == nil || !strings.Contains(err.Error(), "opset 9") {
		t.Errorf("error %v", err)
	}
}

// TestDynamic: products of constant weights are fused and answer as the float
// model does; weights are stored as int8.
func TestDynamic(t *testing.T) {
	library(t)
	for name, count := range map[string]int{"matmul": 3, "perceptron of matmuls": 2, "plain": 2} {
		t.Run(name, func(t *testing.T) {
			m := model(name)
			q, n, err := Dynamic(m, IntegersHere())
			if err != nil {
				t.Fatal(err)
			}
			f, err := Fused(encoded(t, q))
			if err != nil {
				t.Fatal(err)
			}
			fused := f.Operators["DynamicQuantizeMatMul"] + f.Operators["MatMulIntegerToFloat"]
			if n != count || fused != count || f.Operators["MatMulInteger"] > 0 {
				t.Errorf("%d layers, want %d; graph %v", n, count, f.Operators)
			}
			s := samples(m, 3, 5)
			if e := noise(outputs(t, m, s, ort.Options{}), outputs(t, q, s, ort.Options{})); e > 0.003 {
				t.Errorf("the error has %.4f of the output's energy", e)
			}
		})
	}
}

func TestStorage(t *testing.T) {
	library(t)
	m := model("plain")
	q, n := Storage(m, 0)
	f := samples(m, 3, 5)
	if e := noise(outputs(t, m, f, ort.Options{}), outputs(t, q, f, ort.Options{})); n != 4 || e > 1e-6 {
		t.Errorf("%d tensors, error %g", n, e)
	}
	o, err := ort.Optimised(encoded(t, q))
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range o.Graph.Nodes {
		if node.OpType == "Cast" {
			t.Error("a Cast is left in the optimised graph")
		}
	}
	big := model("plain")
	w := big.Graph.Initializers[0]
	w.Data[3] = 0x7f // beyond float16
	if _, n := Storage(big, 0); n != 3 {
		t.Errorf("%d tensors where one does not fit", n)
	}
}

// TestStorageKeepsScales: what integers are multiplied with is not rounded.
func TestStorageKeepsScales(t *testing.T) {
	library(t)
	_, q := static(t, model("matmul"), "minmax")
	s, _ := Storage(q, 0)
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	for _, n := range s.Graph.Nodes {
		if n.OpType != "QuantizeLinear" && n.OpType != "DequantizeLinear" {
			continue
		}
		if i := s.Graph.Initializer(n.Inputs[1]); i == nil || i.Type != onnx.Float32 {
			t.Errorf("the scale of %v is not stored as float32", n.Outputs)
		}
	}
	d, _, err := Dynamic(model("matmul"), IntegersHere())
	if err != nil {
		t.Fatal(err)
	}
	if _, n := Storage(d, 0); n != 1 { // the bias
		t.Errorf("%d tensors of the dynamic model became float16, want 1", n)
	}
}

// TestHalf: computed in float16, with the interface of the original.
func TestHalf(t *testing.T) {
	library(t)
	for _, c := range nets {
		m := model(c.name)
		q, err := Half(m)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range q.Graph.Initializers {
			if w.Type == onnx.Float32 {
				t.Errorf("%s: %q is stored in float32", c.name, w.Name)
			}
		}
		if q.Graph.Inputs[0].Type != onnx.Float32 || q.Graph.Outputs[0].Type != onnx.Float32 || q.Graph.Outputs[0].Name != "y" {
			t.Errorf("%s: another interface", c.name)
		}
		f := samples(m, 2, 5)
		if e := noise(outputs(t, m, f, ort.Options{}), outputs(t, q, f, ort.Options{})); e > 1e-5 {
			t.Errorf("%s: error %g", c.name, e)
		}
	}
}

// TestHalfSurvives: products behind every Transpose of three and four axes load in
// float16, or are refused.
func TestHalfSurvives(t *testing.T) {
	library(t)
	refused := 0
	for _, c := range permutations(3) {
		refused += halfTransposed(t, c)
	}
	for _, c := range permutations(4) {
		refused += halfTransposed(t, c)
	}
	if refused != 4 {
		t.Errorf("%d refused, want 4", refused)
	}
}

func permutations(n int) [][]int64 {
	if n == 0 {
		return [][]int64{nil}
	}
	var all [][]int64
	for _, p := range permutations(n - 1) {
		for at := range n {
			all = append(all, slices.Insert(slices.Clone(p), at, int64(n-1)))
		}
	}
	return all
}

// halfTransposed returns 1 if Half refuses the product behind a Transpose.
func halfTransposed(t *testing.T, perm []int64) int {
	g := &onnx.Graph{Name: "transposed"}
	b := onnx.NewBuilder(g, "")
	dims := []onnx.Dim{onnx.Symbolic("N"), onnx.Fixed(3), onnx.Fixed(4), onnx.Fixed(5)}[:len(perm)]
	x := b.Op("Transpose", []string{b.Input("x", onnx.Float32, dims...)}, onnx.Ints("perm", perm...))
	rows := []int64{2, 3, 4, 5}[perm[len(perm)-1]]
	b.Output(b.Op("MatMul", []string{x, b.Float32("w", []int64{rows, 4}, make([]float32, rows*4))}), onnx.Float32)
	m, err := Half(&onnx.Model{IRVersion: 8, Opsets: []onnx.Opset{{Version: 13}}, Graph: g})
	if err != nil {
		return 1
	}
	s, err := ort.Open(encoded(t, m), ort.Options{})
	if err != nil {
		t.Fatal(perm, err)
	}
	s.Close()
	return 0
}

// TestSameBytes: the same samples give the same file.
func TestSameBytes(t *testing.T) {
	library(t)
	for _, c := range nets {
		_, a := static(t, model(c.name), "mse")
		_, b := static(t, model(c.name), "mse")
		if !bytes.Equal(encoded(t, a), encoded(t, b)) {
			t.Errorf("%s: other bytes", c.name)
		}
	}
}

func TestIntegersFor(t *testing.T) {
	for _, c := range []struct {
		arch     string
		features []string
		typ      onnx.DataType
		reduced  bool
	}{
		{"amd64", []string{"avx2"}, onnx.Uint8, true},
		{"amd64", []string{"avx2", "avx512_vnni"}, onnx.Uint8, false},
		{"amd64", []string{"avx_vnni"}, onnx.Uint8, false},
		{"arm64", []string{"neon", "asimddp"}, onnx.Int8, false},
		{"arm64", []string{"neon"}, onnx.Int8, false},
	} {
		if i := integersFor(c.arch, c.features); i.Activation != c.typ || i.Reduced != c.reduced || i.Hint == "" {
			t.Errorf("%s %v: %+v", c.arch, c.features, i)
		}
	}
}

// TestEveryProcessor: the forms for other processors run here too.
func TestEveryProcessor(t *testing.T) {
	library(t)
	m := model("residual")
	p, err := NewPlan(m, nil)
	if err != nil {
		t.Fatal(err)
	}
	f := samples(m, 8, 16)
	o, err := p.Observe(context.Background(), f)
	if err != nil {
		t.Fatal(err)
	}
	want := outputs(t, m, f, ort.Options{})
	for _, i := range []Integers{{Activation: onnx.Uint8}, {Activation: onnx.Uint8, Reduced: true}, {Activation: onnx.Int8}} {
		q, err := p.Static(o, StaticOptions{Calibrator: LookupCalibrator("minmax"), Integers: i})
		if err != nil {
			t.Fatal(err)
		}
		fused, err := Fused(encoded(t, q.Model))
		if err != nil {
			t.Fatal(err)
		}
		// On x86 ONNX Runtime turns int8 activations into uint8 ones, and loses
		// layers where two operators read one of them.
		whole := fused.Integer == 4 && len(fused.Stray) == 0 || i.Activation == onnx.Int8 && runtime.GOARCH == "amd64"
		if e := noise(want, outputs(t, q.Model, f, ort.Options{})); e > 0.003 || !whole {
			t.Errorf("%+v: error %g, %+v", i, e, fused)
		}
		for _, w := range q.Model.Graph.Initializers {
			if i.Reduced && w.Type == onnx.Int8 && w.Len() > 100 && slices.ContainsFunc(w.Data, func(b byte) bool { return int8(b) > 63 || int8(b) < -63 }) {
				t.Errorf("%q leaves 7 bits", w.Name)
			}
		}
	}
}
