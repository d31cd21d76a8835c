// SPDX-License-Identifier: Apache-2.0

package rewrite_test

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// vector is an input of N samples of 3 numbers.
var vector = []onnx.Dim{onnx.Symbolic("N"), onnx.Fixed(3)}

func TestNormaliseTeachers(t *testing.T) {
	for _, name := range []string{
		"mnist-burn", "mnist-12", "mnist-12-fp16", "gesture-keypoint", "tract-lgbm-classifier", "tract-bidi-lstm-bytes", "superres", "silero-vad",
	} {
		t.Run(name, func(t *testing.T) {
			m := teacher(t, name)
			got, err := rewrite.Normalise(m)
			if err != nil {
				t.Fatal(err)
			}
			for _, op := range []string{"Constant", "Identity"} {
				if slices.Contains(ops(got), op) {
					t.Errorf("a %s is left", op)
				}
			}
			if !reflect.DeepEqual(got.Graph.Inputs, m.Graph.DataInputs()) || !reflect.DeepEqual(got.Graph.Outputs, m.Graph.Outputs) {
				t.Error("inputs or outputs have changed")
			}
			again, err := rewrite.Normalise(got)
			if err != nil || !reflect.DeepEqual(got, again) {
				t.Errorf("normalising twice changes more (%v)", err)
			}
			batch := int64(2)
			if name == "silero-vad" {
				batch = 576 // its other open dimension, the samples of sound, must be this
			}
			runtime(t)
			alike(t, run(t, got, batch, 7), run(t, m, batch, 7), 1e-6)
		})
	}
}

func TestNormaliseNamesThePass(t *testing.T) {
	m := build(17, vector, func(b *onnx.Builder, x string) string {
		return b.Op("Add", []string{x, b.Op("Constant", nil)})
	})
	_, err := rewrite.Normalise(m)
	if err == nil || !strings.Contains(err.Error(), "rewrite constants: node Constant (Constant): has no value") {
		t.Errorf("error %v", err)
	}
	m.Graph.Outputs[0].Name = "none"
	if _, err := rewrite.Normalise(m); err == nil || strings.Contains(err.Error(), "rewrite ") {
		t.Errorf("an invalid model: %v", err)
	}
}

func TestConstants(t *testing.T) {
	text := [][]byte{[]byte("a"), []byte("b")}
	cases := []struct {
		name string
		attr onnx.Attr
		want *onnx.Tensor
	}{
		{"tensor", onnx.Attr{Name: "value", Kind: onnx.AttrTensor, T: onnx.NewFloat32("inner", []int64{1, 2}, []float32{1, 2})}, onnx.NewFloat32("k", []int64{1, 2}, []float32{1, 2})},
		{"float", onnx.Float("value_float", 3), onnx.NewFloat32("k", nil, []float32{3})},
		{"floats", onnx.Attr{Name: "value_floats", Kind: onnx.AttrFloats, Floats: []float32{3, 4}}, onnx.NewFloat32("k", []int64{2}, []float32{3, 4})},
		{"int", onnx.Int("value_int", 5), onnx.NewInt64("k", nil, []int64{5})},
		{"ints", onnx.Ints("value_ints", 5, 6, 7), onnx.NewInt64("k", []int64{3}, []int64{5, 6, 7})},
		{"string", onnx.String("value_string", "a"), &onnx.Tensor{Name: "k", Type: onnx.StringType, Strings: text[:1]}},
		{"strings", onnx.Attr{Name: "value_strings", Kind: onnx.AttrStrings, Strings: text}, &onnx.Tensor{Name: "k", Type: onnx.StringType, Dims: []int64{2}, Strings: text}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := build(17, vector, func(b *onnx.Builder, x string) string {
				b.OpNamed("k", "Constant", nil, c.attr)
				return b.Op("Use", []string{x, "k"})
			})
			got, err := rewrite.Normalise(m)
			if err != nil {
				t.Fatal(err)
			}
			if k := got.Graph.Initializer("k"); !reflect.DeepEqual(k, c.want) || len(got.Graph.Nodes) != 1 {
				t.Errorf("got %+v, want %+v", k, c.want)
			}
		})
	}
}

// TestIdentityUnties has one weight under three names.
func TestIdentityUnties(t *testing.T) {
	m := build(17, vector, func(b *onnx.Builder, x string) string {
		b.Float32("w", []int64{3}, []float32{1, 2, 3})
		b.OpNamed("alias", "Identity", []string{"w"})
		b.OpNamed("alias2", "Identity", []string{"alias"})
		return b.Op("Mul", []string{b.Op("Add", []string{x, "w"}), b.Op("Add", []string{"alias", "alias2"})})
	})
	got, err := rewrite.Normalise(m)
	if err != nil {
		t.Fatal(err)
	}
	w, alias := got.Graph.Initializer("w"), got.Graph.Initializer("alias")
	if w == nil || alias == nil || got.Graph.Initializer("alias2") == nil || &w.Data[0] == &alias.Data[0] || !bytes.Equal(w.Data, alias.Data) {
		t.Fatalf("initializers %v", got.Graph.Initializers)
	}
	runtime(t)
	alike(t, run(t, got, 2, 1), run(t, m, 2, 1), 0)
}

func TestIdentityChains(t *testing.T) {
	id := func(b *onnx.Builder, x string) string { return b.OpNamed("id", "Identity", []string{x}) }
	cases := []struct {
		name string
		emit func(b *onnx.Builder, x string) string
		left int
	}{
		{"between", func(b *onnx.Builder, x string) string { return b.Op("Relu", []string{id(b, id(b, x))}) }, 0},
		{"before the output", func(b *onnx.Builder, x string) string { return id(b, id(b, b.Op("Relu", []string{x}))) }, 0},
		{"before the output, read elsewhere", func(b *onnx.Builder, x string) string {
			r := b.Op("Relu", []string{x})
			b.Output(b.Op("Neg", []string{r}), onnx.Float32, vector...)
			return id(b, r)
		}, 0},
		{"input to output", id, 1},
		{"two outputs of one tensor", func(b *onnx.Builder, x string) string {
			r := b.Op("Relu", []string{x})
			b.Output(r, onnx.Float32, vector...)
			return id(b, r)
		}, 1},
		{"weight to output", func(b *onnx.Builder, x string) string {
			b.Op("Relu", []string{x})
			return id(b, b.Float32("w", []int64{2}, []float32{1, 2}))
		}, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var others []*onnx.Value
			m := build(17, vector, func(b *onnx.Builder, x string) string {
				y := c.emit(b, x)
				others = b.G.Outputs
				return y
			})
			m.Graph.Outputs = append(m.Graph.Outputs, others...)
			got, err := rewrite.Normalise(m)
			if err != nil {
				t.Fatal(err)
			}
			left := 0
			for _, op := range ops(got) {
				if op == "Identity" {
					left++
				}
			}
			if left != c.left || !reflect.DeepEqual(got.Graph.Outputs, m.Graph.Outputs) {
				t.Errorf("%d identities are left, want %d", left, c.left)
			}
			runtime(t)
			alike(t, run(t, got, 2, 1), run(t, m, 2, 1), 0)
		})
	}
}

// TestIdentityAroundBranch has a branch that reads an alias, and defines a tensor
// by the name of the original.
func TestIdentityAroundBranch(t *testing.T) {
	for _, captured := range []bool{false, true} {
		m := build(17, vector, func(b *onnx.Builder, x string) string {
			r := b.OpNamed("r", "Relu", []string{x})
			a := b.OpNamed("a", "Identity", []string{r})
			cond := b.Op("Greater", []string{b.Op("ReduceMax", []string{x}, onnx.Int("keepdims", 0)), b.Float32("zero", nil, []float32{0})})
			leaf := func() *onnx.Graph {
				out := &onnx.Value{Name: "leaf", Kind: "tensor", Type: onnx.Float32}
				g := &onnx.Graph{Name: "leaf", Outputs: []*onnx.Value{out}}
				in := a
				if captured {
					g.Initializers = []*onnx.Tensor{onnx.NewFloat32("r", []int64{3}, []float32{1, 1, 1})}
					g.Nodes = []*onnx.Node{{OpType: "Add", Inputs: []string{a, "r"}, Outputs: []string{"sum"}}}
					in = "sum"
				}
				g.Nodes = append(g.Nodes, &onnx.Node{OpType: "Neg", Inputs: []string{in}, Outputs: []string{"leaf"}})
				return g
			}
			return b.Op("If", []string{cond}, onnx.Attr{Name: "then_branch", Kind: onnx.AttrGraph, G: leaf()},
				onnx.Attr{Name: "else_branch", Kind: onnx.AttrGraph, G: leaf()})
		})
		got, err := rewrite.Normalise(m)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(ops(got), "Identity") != captured {
			t.Errorf("captured %v: operators %v", captured, ops(got))
		}
		runtime(t)
		alike(t, run(t, got, 2, 1), run(t, m, 2, 1), 0)
	}
}

func TestRemoveDead(t *testing.T) {
	m := build(17, vector, func(b *onnx.Builder, x string) string {
		b.Op("Add", []string{b.Op("Relu", []string{x}), b.Float32("unused", []int64{3}, make([]float32, 3))})
		return b.Op("Mul", []string{x, b.Float32("used", []int64{3}, make([]float32, 3))})
	})
	m.Graph.Inputs = append(m.Graph.Inputs, onnx.NewValue("idle", onnx.Float32))
	m.Graph.ValueInfo = []*onnx.Value{onnx.NewValue("Relu", onnx.Float32)}
	got := rewrite.RemoveDead(m)
	if !slices.Equal(ops(got), []string{"Mul"}) || len(got.Graph.Initializers) != 1 || len(got.Graph.Inputs) != 2 || len(got.Graph.ValueInfo) > 0 {
		t.Errorf("left: %v, %d initializers, %d inputs, %d types", ops(got), len(got.Graph.Initializers), len(got.Graph.Inputs), len(got.Graph.ValueInfo))
	}
	if len(m.Graph.Nodes) != 3 {
		t.Error("the argument has changed")
	}
}

func TestDropDropout(t *testing.T) {
	m := build(17, vector, func(b *onnx.Builder, x string) string {
		masked := b.OpMulti("masked", "Dropout", []string{x}, 2)
		kept := b.Op("Cast", []string{masked[1]}, onnx.Int("to", 1))
		y := b.OpMulti("drop", "Dropout", []string{b.Op("Relu", []string{x}), b.Float32("ratio", nil, []float32{.5})}, 2)[0]
		return b.OpMulti("last", "Dropout", []string{b.Op("Add", []string{y, kept})}, 1)[0]
	})
	got, err := rewrite.DropDropout(m)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"Dropout", "Cast", "Relu", "Add"}; !slices.Equal(ops(got), want) || len(got.Graph.Initializers) != 0 {
		t.Errorf("left: %v, want %v", ops(got), want)
	}
	runtime(t)
	alike(t, run(t, got, 2, 1), run(t, m, 2, 1), 0)
	lone := build(17, vector, func(b *onnx.Builder, x string) string { return b.Op("Dropout", []string{x}) })
	if got, err = rewrite.DropDropout(lone); err != nil || !slices.Equal(ops(got), []string{"Identity"}) {
		t.Errorf("input to output: %v, %v", ops(got), err)
	}
}

func TestTap(t *testing.T) {
	m := build(17, vector, func(b *onnx.Builder, x string) string {
		return b.OpNamed("y", "Neg", []string{b.OpNamed("mid", "Relu", []string{x})})
	})
	m.Graph.ValueInfo = []*onnx.Value{onnx.NewValue("mid", onnx.Float32, vector...)}
	got, err := rewrite.Tap(m, "mid", "y", "mid", "x")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, v := range got.Graph.Outputs {
		names = append(names, v.Name)
	}
	if want := []string{"y", "mid", "x"}; !slices.Equal(names, want) || got.Graph.Outputs[1].Type != onnx.Float32 {
		t.Errorf("outputs %v, want %v", names, want)
	}
	if _, err := rewrite.Tap(m, "none"); err == nil || !strings.Contains(err.Error(), `no tensor is called "none"`) {
		t.Errorf("unknown tensor: %v", err)
	}
	m.Graph.ValueInfo = nil
	if got, err = rewrite.Tap(m, "mid"); err != nil {
		t.Fatal(err)
	}
	runtime(t)
	out := run(t, got, 2, 1)
	if len(out) != 2 || len(out[1].F) != 6 || out[1].F[0] != -out[0].F[0] {
		t.Errorf("outputs %v", out)
	}
}
