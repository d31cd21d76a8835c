// SPDX-License-Identifier: Apache-2.0

package cut

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
	"github.com/kdcompress/kdcompress/student"
)

// TestKinds cuts a residual net in every registered way and in combinations, and
// holds the result to what a student is: reproducible, its teacher's equal from
// outside, the same in ONNX Runtime as in the engine, with every option doing
// something.
func TestKinds(t *testing.T) {
	in := []int{3, 8, 8}
	sig := teacher(t, 13, in, 4, func(b *net, x string) string {
		x = b.relu(b.conv("stem", x, 3, 16, 3, 1, 1))
		for _, s := range []string{"one", "two", "three"} {
			y := b.conv(s+"2", b.relu(b.conv(s+"1", x, 16, 32, 3, 1, 1)), 32, 16, 3, 1, 1)
			x = b.relu(b.Op("Add", []string{x, y}))
		}
		x = b.relu(b.linear("wide", b.Op("Flatten", []string{x}), 16*64, 96))
		return b.linear("out", x, 96, 4)
	})
	blurred(t, sig)
	s := samples(in, 64, 3)
	before := encode(t, sig.Teacher)
	specs := []string{"narrow:ratio=0.5+shallow:keep=1", "shallow:keep=2+narrow:ratio=0.75,by=magnitude+lowrank:ratio=0.5,least=32"}
	for _, k := range Kinds() {
		specs = append(specs, k.Name)
	}
	for _, spec := range specs {
		t.Run(spec, func(t *testing.T) {
			r, err := Cut(context.Background(), sig, recipe(t, spec), s, 1, 2)
			if err != nil {
				t.Fatal(err)
			}
			m := r.Student.Model
			again, err := Cut(context.Background(), sig, recipe(t, spec), s, 1, 2)
			if err != nil || encode(t, again.Student.Model) != encode(t, m) {
				t.Errorf("a second time it comes out differently, error %v", err)
			}
			if r.Student.Spec != spec || len(r.Notes) == 0 {
				t.Errorf("spec %q, notes %q", r.Student.Spec, r.Notes)
			}
			if a, b := sig.Teacher.Graph.Params(), m.Graph.Params(); b >= a {
				t.Errorf("%d parameters of %d", b, a)
			}
			for i, v := range append(m.Graph.DataInputs(), m.Graph.Outputs...) {
				if w := append(sig.Teacher.Graph.DataInputs(), sig.Teacher.Graph.Outputs...)[i]; v.Name != w.Name || v.Type != w.Type || !slices.Equal(v.Dims, w.Dims) {
					t.Errorf("%+v, the teacher has %+v", v, w)
				}
			}
			few := samples(in, 5, 8)
			near(t, inRuntime(t, m, few), answers(t, sig, m, few))
		})
	}
	if encode(t, sig.Teacher) != before {
		t.Error("the teacher was changed")
	}
}

// twoHeads makes a model with a number beside the scores of classes. Emit returns
// the scores and the number.
func twoHeads(t *testing.T, in []int, classes int, emit func(b *net, x string) (scores, number string)) student.Signature {
	t.Helper()
	var number string
	sig := teacher(t, 13, in, classes, func(b *net, x string) (scores string) {
		scores, number = emit(b, x)
		return scores
	})
	sig.Teacher.Graph.Outputs = append(sig.Teacher.Graph.Outputs, onnx.NewValue(number, onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(1)))
	sig.More = []student.Answer{{Knowledge: rewrite.Knowledge{Output: number, Logits: number, Kind: rewrite.KindLogits}, Shape: []int{1}}}
	return sig
}

// TestKindsOfTwoHeads cuts a net that gives classes and a number in every registered
// way: both stay and both are learned.
func TestKindsOfTwoHeads(t *testing.T) {
	in := []int{3, 8, 8}
	sig := twoHeads(t, in, 4, func(b *net, x string) (scores, number string) {
		x = b.relu(b.conv("stem", x, 3, 16, 3, 1, 1))
		for _, s := range []string{"one", "two"} {
			y := b.conv(s+"2", b.relu(b.conv(s+"1", x, 16, 32, 3, 1, 1)), 32, 16, 3, 1, 1)
			x = b.relu(b.Op("Add", []string{x, y}))
		}
		x = b.relu(b.linear("wide", b.Op("Flatten", []string{x}), 16*64, 96))
		return b.linear("out", x, 96, 4), b.linear("size", x, 96, 1)
	})
	blurred(t, sig)
	s := samples(in, 64, 3)
	for _, k := range Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			r, err := Cut(context.Background(), sig, recipe(t, k.Name), s, 1, 2)
			if err != nil {
				t.Fatal(err)
			}
			m := r.Student.Model
			if got := r.Student.Answers(); !slices.Equal(got, []string{sig.Knowledge.Logits, sig.More[0].Knowledge.Logits}) {
				t.Errorf("the student learns %q", got)
			}
			if a, b := sig.Teacher.Graph.Params(), m.Graph.Params(); b >= a {
				t.Errorf("%d parameters of %d", b, a)
			}
			few := samples(in, 5, 8)
			near(t, inRuntime(t, m, few), answers(t, sig, m, few))
		})
	}
}

// TestNarrowKeepsTheSmallerHead narrows a net of which half the units serve a number
// that is a thousandth of the other half's scores: by size alone all of those would go.
func TestNarrowKeepsTheSmallerHead(t *testing.T) {
	in := []int{12}
	sig := twoHeads(t, in, 4, func(b *net, x string) (scores, number string) {
		hidden := b.relu(b.linear("hidden", x, 12, 64))
		scores, number = b.linear("out", hidden, 64, 4), b.linear("size", hidden, 64, 1)
		return scores, number
	})
	blurred(t, sig)
	for name, on := range map[string]func(unit int) float32{
		"out":  func(unit int) float32 { return float32(1 - unit%2) },
		"size": func(unit int) float32 { return float32(unit%2) / 1000 },
	} {
		at := slices.IndexFunc(sig.Teacher.Graph.Nodes, func(n *onnx.Node) bool { return n.OpType == "Gemm" && n.Outputs[0] == name })
		w := sig.Teacher.Graph.Initializer(sig.Teacher.Graph.Nodes[at].Inputs[1])
		v, err := onnx.Values[float32](w)
		if err != nil {
			t.Fatal(err)
		}
		for i := range v {
			v[i] *= on(i % 64)
		}
		w.Data = onnx.FloatData(w.Type, v)
	}
	s := samples(in, 64, 3)
	r, err := Cut(context.Background(), sig, recipe(t, "narrow:ratio=0.5,refit=no"), s, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	want, got := answers(t, sig, sig.Teacher, s)[4*s.N:], answers(t, sig, r.Student.Model, s)[4*s.N:]
	if a, b := variance(want), variance(got); b < 0.5*a {
		t.Errorf("the number's variance is %g, the teacher's %g", b, a)
	}
}

func variance(v []float32) float64 {
	var sum, square float64
	for _, x := range v {
		sum += float64(x)
		square += float64(x) * float64(x)
	}
	n := float64(len(v))
	return square/n - sum/n*sum/n
}

// TestCutBakedBatch cuts a teacher that declares a batch of one and has it in a
// constant; the student declares it too, and can be trained on any batch.
func TestCutBakedBatch(t *testing.T) {
	in := []int{3, 4, 4}
	sig := teacher(t, 13, in, 4, func(b *net, x string) string {
		x = b.relu(b.conv("c", x, 3, 16, 3, 1, 1))
		return b.linear("out", b.shaped(x, 1, 256), 256, 4)
	})
	for _, v := range append(sig.Teacher.Graph.Inputs, sig.Teacher.Graph.Outputs...) {
		v.Dims[0] = onnx.Fixed(1)
	}
	blurred(t, sig)
	s := samples(in, 32, 3)
	r, err := Cut(context.Background(), sig, recipe(t, "narrow:ratio=0.5"), s, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	if d := r.Student.Model.Graph.Inputs[0].Dims[0]; d != onnx.Fixed(1) {
		t.Errorf("declared batch %v", d)
	}
	all := answers(t, sig, r.Student.Model, s) // 32 at once
	near(t, inRuntime(t, r.Student.Model, &Samples{N: 1, Inputs: [][]float32{s.Inputs[0][:48]}}), all[:4])
}

func TestCutRefuses(t *testing.T) {
	sig := teacher(t, 13, []int{6}, 4, func(b *net, x string) string { return b.linear("out", x, 6, 4) })
	s := samples([]int{6}, 16, 1)
	for spec, want := range map[string]string{
		"narrow":  "student narrow: nothing to cut: no layer has a width that is free",
		"shallow": "student shallow: nothing to cut: the graph has 0 layers that could go, and 0 are to stay",
		"lowrank": "student lowrank: nothing to cut: no matrix has sides of 64 or more",
	} {
		if _, err := Cut(context.Background(), sig, recipe(t, spec), s, 1, 1); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", spec, err, want)
		}
	}
	sig.Knowledge.Kind = rewrite.KindProbabilities
	if _, err := Cut(context.Background(), sig, recipe(t, "narrow"), s, 1, 1); err == nil || !strings.Contains(err.Error(), "choose an architecture") {
		t.Errorf("probabilities: error %v", err)
	}
}

func TestParse(t *testing.T) {
	for spec, want := range map[string]string{
		"narrow+mlp":             `no way to cut a teacher is called "mlp"; there are lowrank, narrow, shallow`,
		"narrow:depth=3":         `student narrow has no option "depth=3"; it has ratio, by, refit`,
		"narrow:ratio":           `student narrow has no option "ratio"`,
		"narrow:ratio=2":         `option ratio is a number from 0.01 to 1, not "2"`,
		"narrow:ratio=NaN":       `not "NaN"`,
		"narrow:by=luck":         `option by is one of taylor, magnitude, not "luck"`,
		"shallow:keep=1+narrow+": `no way to cut a teacher is called ""`,
	} {
		if _, err := Parse(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", spec, err, want)
		}
	}
	if r := recipe(t, "shallow:keep=3+narrow:ratio=0.25,refit=no+lowrank"); len(r) != 3 || r[1].number("ratio") != 0.25 || r[2].text("least") != "64" {
		t.Errorf("read as %v", r)
	}
	for spec, want := range map[string]bool{"narrow": true, "shallow:keep=3+narrow": true, "mlp:width=3": false, "": false, "narrow.onnx": false} {
		if Is(spec) != want {
			t.Errorf("%q is a cut: %v", spec, !want)
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

// inRuntime computes the answers of a model in ONNX Runtime, or skips the test
// where there is none.
func inRuntime(t testing.TB, m *onnx.Model, s *Samples) []float32 {
	t.Helper()
	path, _, err := ort.Find("")
	if err != nil {
		t.Skipf("needs the ONNX Runtime library: %v", err)
	}
	if err := ort.Init(path); err != nil {
		t.Fatal(err)
	}
	x, err := ort.Open([]byte(encode(t, m)), ort.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	dims := []int64{int64(s.N)}
	for _, d := range m.Graph.DataInputs()[0].Dims[1:] {
		dims = append(dims, d.Size)
	}
	v, err := ort.FromFloat32(onnx.Float32, dims, s.Inputs[0])
	if err != nil {
		t.Fatal(err)
	}
	out, err := x.Run(context.Background(), []ort.Value{v})
	if err != nil {
		t.Fatal(err)
	}
	var all []float32
	for _, o := range out {
		all = append(all, o.F...)
	}
	return all
}

func near(t testing.TB, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d numbers, want %d", len(got), len(want))
	}
	for i := range got {
		if d := math.Abs(float64(got[i] - want[i])); !(d <= 1e-4*max(1, math.Abs(float64(want[i])))) {
			t.Fatalf("number %d is %g in ONNX Runtime, %g in the engine", i, got[i], want[i])
		}
	}
}
