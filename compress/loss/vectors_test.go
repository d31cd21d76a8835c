// SPDX-License-Identifier: Apache-2.0

package loss

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/engine"
)

// rig holds any loss on tensors of given shapes. The student's tensors are
// trainable, a row a sample, so that the gradient of every element can be read.
type rig struct {
	plan   *engine.Plan[float64]
	params *engine.Params[float64]
	names  []string // of the student's tensors
	batch  int
}

// newRig appends a term. Projector weights get the values of fill.
func newRig(t *testing.T, term Term, batch, shards int, student, teacher [][]int, rectified bool, margin [][]float32) *rig {
	t.Helper()
	const prefix = "k."
	r := &rig{batch: batch}
	g := &onnx.Graph{Name: "loss"}
	b := onnx.NewBuilder(g, prefix)
	n := onnx.Symbolic("N")
	row := b.Input("row", onnx.Float32, n, onnx.Fixed(int64(batch)))
	targets := map[Target]string{Position: row}
	logits, classes := "", 0
	term.Batch, term.Seed = batch, 1
	for i := range student {
		name := fmt.Sprintf("s%d", i)
		r.names = append(r.names, name)
		size := int64(Size(student[i]))
		g.Initializers = append(g.Initializers, onnx.NewFloat32(name, []int64{int64(batch), size}, make([]float32, batch*int(size))))
		s := b.Op("MatMul", []string{row, name})
		dims, shape := []onnx.Dim{n}, []int64{-1}
		for _, d := range teacher[i] {
			dims = append(dims, onnx.Fixed(int64(d)))
		}
		for _, d := range student[i] {
			shape = append(shape, int64(d))
		}
		s = b.Op("Reshape", []string{s, b.Int64("shape", []int64{int64(len(shape))}, shape)})
		z := b.Input(fmt.Sprintf("t%d", i), onnx.Float32, dims...)
		p := Pair{Student: s, Teacher: z, StudentShape: student[i], TeacherShape: teacher[i], Rectified: rectified}
		if margin != nil {
			p.Margin = margin[i]
		}
		if term.Loss.Check != nil {
			if err := term.Loss.Check(p); err != nil {
				t.Fatal(err)
			}
		}
		term.Pairs = append(term.Pairs, p)
		if i == 0 {
			logits, classes, targets[TeacherLogits] = s, student[i][0], z
		}
	}
	if term.Loss.Family == Response {
		targets[TeacherChoice] = b.Input("hot", onnx.Float32, n, onnx.Fixed(int64(classes)))
		targets[Labels] = targets[TeacherChoice]
	}
	losses := term.Append(b, 13, classes, logits, func(k Target) string { return targets[k] })
	frozen := func(name string) bool { return strings.HasPrefix(name, prefix) && !Trained(prefix, name) }
	k := 0
	for _, x := range g.Initializers {
		if Trained(prefix, x.Name) {
			v := fill(k, x.Len())
			if strings.Contains(x.Name, "scale") {
				for i := range v {
					v[i]++
				}
			}
			x.Data = onnx.FloatData(x.Type, v)
			k++
		}
	}
	var err error
	if r.params, err = engine.NewParams[float64](g, frozen); err != nil {
		t.Fatal(err)
	}
	if r.plan, err = engine.Compile(g, r.params, engine.Options{Batch: batch, Shards: shards, Opset: 13, Training: true, Losses: losses}); err != nil {
		t.Fatal(err)
	}
	id := r.plan.Input("row")
	for i := range batch {
		id[i*batch+i] = 1
	}
	return r
}

// fill are the values of projector weight number k.
func fill(k, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(float64((7*i+5*k)%11)/11 - 0.45)
	}
	return v
}

// run computes the loss of the rows the functions give.
func (r *rig) run(t *testing.T, student, teacher func(tensor, b, i int) float64) float64 {
	t.Helper()
	for k, name := range r.names {
		s, z := r.params.Values(name), r.plan.Input(fmt.Sprintf("t%d", k))
		for j := range s {
			s[j] = student(k, j/(len(s)/r.batch), j%(len(s)/r.batch))
		}
		for j := range z {
			z[j] = teacher(k, j/(len(z)/r.batch), j%(len(z)/r.batch))
		}
	}
	if r.plan.Shape("hot") != nil {
		hot, z := r.plan.Input("hot"), r.plan.Input("t0")
		clear(hot)
		width := len(z) / r.batch
		for b := range r.batch {
			best := 0
			for c := range width {
				if z[b*width+c] > z[b*width+best] {
					best = c
				}
			}
			hot[b*width+best] = 1
		}
	}
	if err := r.plan.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	return r.plan.Loss()
}

// gradient is that of student tensor k.
func (r *rig) gradient(k int) []float64 {
	for _, p := range r.params.List {
		if p.Name == r.names[k] {
			return r.params.Grad[p.Off : p.Off+p.Len]
		}
	}
	panic("no such tensor")
}

// vector is what PyTorch makes of a loss; scripts/loss_vectors.py writes them.
type vector struct {
	Spec      string      `json:"spec"`
	Value     float64     `json:"value"`
	Gradients [][]float64 `json:"gradients"`
	Batch     int         `json:"batch"`
	Student   [][]int     `json:"student"`
	Teacher   [][]int     `json:"teacher"`
	Rectified bool        `json:"rectified"`
	Margin    [][]float32 `json:"margin"`
}

func ofPyTorch(t *testing.T) []vector {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// signals are the inputs of scripts/loss_vectors.py.
func (v vector) signals(term Term) (student, teacher func(k, b, i int) float64) {
	scale := 1.0
	if term.Loss.Family == Response {
		scale = 3
	}
	student = func(k, b, i int) float64 {
		x, y := float64(b), float64(i)
		return scale * math.Sin(1+float64(k)+0.7*x+1.3*y+0.11*x*y)
	}
	teacher = func(k, b, i int) float64 {
		x, y := float64(b), float64(i)
		z := scale * 1.2 * math.Cos(0.5+float64(k)+0.9*x+0.7*y+0.07*x*y)
		if v.Rectified {
			z = max(z, 0)
		}
		return z
	}
	return student, teacher
}

// TestPyTorch holds every loss against PyTorch, value and gradient, on one shard
// and on several.
func TestPyTorch(t *testing.T) {
	seen := map[string]bool{"ce": true} // with labels for the teacher's choice it is hard
	for _, v := range ofPyTorch(t) {
		for _, shards := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s %v %d", v.Spec, v.Student, shards), func(t *testing.T) {
				term, err := Parse(v.Spec, 1, nil)
				if err != nil {
					t.Fatal(err)
				}
				seen[term.Loss.Name] = true
				r := newRig(t, term, v.Batch, shards, v.Student, v.Teacher, v.Rectified, v.Margin)
				s, z := v.signals(term)
				if got := r.run(t, s, z); math.Abs(got-v.Value) > 1e-5*math.Abs(v.Value) {
					t.Errorf("%.10f, PyTorch says %.10f", got, v.Value)
				}
				for k, want := range v.Gradients {
					var largest float64
					for _, g := range want {
						largest = max(largest, math.Abs(g))
					}
					for i, g := range r.gradient(k) {
						if math.Abs(g-want[i]) > 1e-5*largest {
							t.Errorf("tensor %d, element %d: gradient %.9g, PyTorch says %.9g (largest %.3g)", k, i, g, want[i], largest)
							break
						}
					}
				}
			})
		}
	}
	for _, l := range All() {
		if !seen[l.Name] {
			t.Errorf("loss %s has no vector of PyTorch", l.Name)
		}
	}
}

// TestPairGradients compares the gradients of feature and relation losses with
// central differences, those of projectors too.
func TestPairGradients(t *testing.T) {
	for _, v := range ofPyTorch(t) {
		term, err := Parse(v.Spec, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		if term.Loss.Family == Response {
			continue
		}
		t.Run(fmt.Sprintf("%s %v", v.Spec, v.Student), func(t *testing.T) {
			r := newRig(t, term, v.Batch, 2, v.Student, v.Teacher, v.Rectified, v.Margin)
			s, z := v.signals(term)
			r.run(t, s, z)
			grad := append([]float64(nil), r.params.Grad...)
			const h = 1e-6
			at := func(i int, d float64) float64 {
				r.params.W[i] += d
				defer func() { r.params.W[i] -= d }()
				if err := r.plan.Run(context.Background()); err != nil {
					t.Fatal(err)
				}
				return r.plan.Loss()
			}
			var largest float64
			for _, g := range grad {
				largest = max(largest, math.Abs(g))
			}
			for i := 0; i < len(grad); i += 1 + len(grad)/40 {
				if want := (at(i, h) - at(i, -h)) / (2 * h); math.Abs(want-grad[i]) > 1e-5*largest+1e-8 {
					t.Errorf("weight %d: gradient %g, differences give %g", i, grad[i], want)
				}
			}
		})
	}
}

// likelihoods are not 0 where student and teacher agree.
var likelihoods = map[string]bool{"vid": true}

// TestPairsThatAgree gives losses without a projector the same tensor twice, and
// extreme ones.
func TestPairsThatAgree(t *testing.T) {
	for _, l := range All() {
		if l.Family == Response || likelihoods[l.Name] {
			continue
		}
		shape := [][]int{{3, 4, 4}}
		term, err := NewTerm(l.Name, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		r := newRig(t, term, 4, 2, shape, shape, false, nil)
		same := func(_, b, i int) float64 { return math.Sin(1 + 0.7*float64(b) + 1.3*float64(i)) }
		projects := len(r.params.List) > len(r.names)
		if got := r.run(t, same, same); !projects && math.Abs(got) > 1e-6 {
			t.Errorf("%s: %g where student and teacher agree", l.Name, got)
		}
		for _, size := range []float64{0, 1e-6, 1e4} {
			s := func(k, b, i int) float64 { return size * same(k, b+1, i) }
			got := r.run(t, s, same)
			if math.IsNaN(got) || math.IsInf(got, 0) || got < -1e-9 {
				t.Errorf("%s: %g for features times %g", l.Name, got, size)
			}
			for _, g := range r.params.Grad {
				if math.IsNaN(g) || math.IsInf(g, 0) {
					t.Errorf("%s: a gradient of %g for features times %g", l.Name, g, size)
					break
				}
			}
		}
	}
}

// pairOracles are values of a plain port of the published code, on whole numbers.
func TestPairOracles(t *testing.T) {
	embedding := func(z bool) func(_, i, d int) float64 {
		return func(_, i, d int) float64 {
			if z {
				return float64((i*i*4+d*3+i*d*2)%9)/3 - 1
			}
			return float64((i*i*3+d*5+i*d)%7)/2 - 1
		}
	}
	maps := func(z bool) func(_, b, i int) float64 {
		return func(_, b, i int) float64 {
			c, h := i/4, i%4
			if z {
				return float64((b*3+c*2+h*5)%9)/3 - 1
			}
			return float64((b*5+c*3+h*2)%8)/4 - 0.5
		}
	}
	for _, o := range []struct {
		spec             string
		student, teacher []int
		batch            int
		signal           func(bool) func(k, b, i int) float64
		want             float64
	}{
		{"rkd:1,0", []int{3}, []int{6}, 4, embedding, 0.024910436},
		{"rkd:0,1", []int{3}, []int{6}, 4, embedding, 0.045015608},
		{"sp:1", []int{3}, []int{6}, 4, embedding, 0.226360987},
		{"pkt:1", []int{3}, []int{6}, 4, embedding, 0.0547965292},
		{"at:1", []int{2, 2, 2}, []int{3, 2, 2}, 2, maps, 0.130258991},
		{"nst:1", []int{2, 2, 2}, []int{3, 2, 2}, 2, maps, 0.867749094},
	} {
		term, err := Parse(o.spec, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, shards := range []int{1, 2} {
			r := newRig(t, term, o.batch, shards, [][]int{o.student}, [][]int{o.teacher}, false, nil)
			if got := r.run(t, o.signal(false), o.signal(true)); math.Abs(got-o.want) > 1e-6*(1+o.want) {
				t.Errorf("%s on %d shards: %.9f, want %.9f", o.spec, shards, got, o.want)
			}
		}
	}
}

func TestParsePositions(t *testing.T) {
	term, err := Parse("rkd:25,50", 1, nil)
	if err != nil || term.Values["distance"] != 25 || term.Values["angle"] != 50 {
		t.Errorf("%+v, %v", term, err)
	}
	term, err = Parse("fitnet:auto", 1, nil)
	if err != nil || !term.Balanced {
		t.Errorf("%+v, %v", term, err)
	}
	for _, bad := range []string{"fitnet:1,2", "fitnet:x", "rkd:-1", "kd:4"} {
		if _, err := Parse(bad, 1, nil); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
