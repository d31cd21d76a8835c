// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/compress/target"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// asked loads a teacher, opens its samples, and lets it answer them all.
func asked(t *testing.T, path string, d Data) (*Teacher, *data.Set, *target.Answers) {
	t.Helper()
	library(t)
	teacher, err := LoadTeacher(path, "")
	if err != nil {
		t.Fatal(err)
	}
	set, err := teacher.open(context.Background(), d, func(Event) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { set.Close() })
	a := target.New(teacher.identity(set), teacher.Logits)
	if err := teacher.answer(context.Background(), set, a, all(set.Len()), 2, func(Event) {}); err != nil {
		t.Fatal(err)
	}
	return teacher, set, a
}

// unchanged runs the teacher's file as it is, batch samples at a time, and
// returns one output.
func unchanged(t *testing.T, teacher *Teacher, set *data.Set, batch, output int) []float32 {
	t.Helper()
	s, err := ort.Open(teacher.File, ort.Options{NoOptimise: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var got []float32
	for lo := 0; lo < set.Len(); lo += batch {
		in := s.Inputs()[0]
		dims, n := []int64{int64(batch)}, batch
		for _, d := range set.Dims(0) {
			dims = append(dims, int64(d))
			n *= d
		}
		buf := make([]float32, n)
		if err := set.Batch(0, all(set.Len())[lo:lo+batch], buf); err != nil {
			t.Fatal(err)
		}
		x, err := ort.FromFloat32(in.Type, dims, buf)
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Run(context.Background(), []ort.Value{x})
		if err != nil {
			t.Fatal(err)
		}
		f, err := out[output].Float32s()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, f...)
	}
	return got
}

// ending computes from a row of logits what a closing operator makes of it.
func ending(op string, row []float32) []float32 {
	top := slices.Max(row)
	var sum float64
	for _, v := range row {
		sum += math.Exp(float64(v - top))
	}
	out := make([]float32, len(row))
	for i, v := range row {
		switch log := float64(v-top) - math.Log(sum); op {
		case "Softmax":
			out[i] = float32(math.Exp(log))
		case "LogSoftmax":
			out[i] = float32(log)
		case "ArgMax":
			return []float32{float32(slices.Index(row, top))}
		default:
			out[i] = v
		}
	}
	return out
}

// answersAre compares the stored answers with what the teacher's own file says.
func answersAre(t *testing.T, set *data.Set, a *target.Answers, op string, want []float32, tolerance float64) {
	t.Helper()
	for i := range set.Len() {
		for _, v := range ending(op, a.Row(set.Key(i))) {
			if d := math.Abs(float64(v - want[0])); !(d <= tolerance*(1+math.Abs(float64(want[0])))) {
				t.Fatalf("sample %d: %g follows from the stored logits, the teacher says %g", i, v, want[0])
			}
			want = want[1:]
		}
	}
	if len(want) != 0 {
		t.Errorf("%d numbers of the teacher are left over", len(want))
	}
}

func TestRealTeachers(t *testing.T) {
	pictures := Data{Limit: 70, Mean: []float64{0.1307}, Std: []float64{0.3081}}
	for _, c := range []struct {
		file      string
		data      Data
		closing   string
		classes   int
		fixed     int // what a run takes in the end; 0 is any number
		tolerance float64
	}{
		{"mnist-burn.onnx", pictures, "LogSoftmax", 10, 0, 1e-4},
		{"mnist-12.onnx", Data{Limit: 70, Scale: 1}, "", 10, 0, 1e-4},
		{"mnist-12-fp16.onnx", Data{Limit: 70}, "", 10, 0, 1e-2},
		{"gesture-keypoint.onnx", Data{Labels: "column:0", Limit: 200}, "ArgMax", 3, 0, 0},
	} {
		t.Run(c.file, func(t *testing.T) {
			path := shared(t, "teachers/"+c.file)
			if c.data.Labels == "" {
				c.data.Path = mnist(t, "t10k-images-idx3-ubyte.gz")
			} else {
				c.data.Path = shared(t, "gesture/keypoint.csv")
			}
			teacher, set, a := asked(t, path, c.data)
			closing := ""
			for _, n := range teacher.Knowledge.Closing {
				closing += n.OpType
			}
			if closing != c.closing || !slices.Equal(teacher.Logits, []int{c.classes}) || teacher.batch != c.fixed {
				t.Errorf("closing %q, logits %v, %d samples a run", closing, teacher.Logits, teacher.batch)
			}
			answersAre(t, set, a, c.closing, unchanged(t, teacher, set, 1, 0), c.tolerance)
		})
	}
}

// TestToyTeachers has what real teachers have in other forms.
func TestToyTeachers(t *testing.T) {
	library(t)
	two := onnx.Fixed(2)
	probabilities := func(b *onnx.Builder, z string) *onnx.Value {
		p := b.Op("Add", []string{b.Op("Relu", []string{z}), b.Float32("some", nil, []float32{0.05})})
		sum := b.Op("ReduceSum", []string{p, b.Int64("axes", []int64{1}, []int64{1})}, onnx.Int("keepdims", 1))
		return onnx.NewValue(b.Op("Div", []string{p, sum}), onnx.Float32, anyBatch, onnx.Fixed(classes))
	}
	// A sum over the batch and back makes the first sample's answer depend on the rest.
	coupled := func(b *onnx.Builder, z string) *onnx.Value {
		mean := b.Op("ReduceMean", []string{z}, onnx.Ints("axes", 0), onnx.Int("keepdims", 1))
		return onnx.NewValue(b.OpNamed("p", "Softmax", []string{b.Op("Sub", []string{z, mean})}, onnx.Int("axis", 1)), onnx.Float32, two, onnx.Fixed(classes))
	}
	for _, c := range []struct {
		name    string
		model   *onnx.Model
		kind    string
		closing string
		batch   int // of the file
		takes   int // samples a run in the end
	}{
		{"any batch", toyTeacher(anyBatch, softmax(anyBatch)), rewrite.KindLogits, "Softmax", 1, 0},
		{"a fixed batch that opens", toyTeacher(two, softmax(two)), rewrite.KindLogits, "Softmax", 2, 0},
		{"a fixed batch that stays", toyTeacher(two, coupled), rewrite.KindLogits, "Softmax", 2, 2},
		{"probabilities without logits", toyTeacher(anyBatch, probabilities), rewrite.KindProbabilities, "Softmax", 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			teacher, set, a := asked(t, save(t, c.model), Data{Path: npy(t, 100, features)})
			if teacher.Knowledge.Kind != c.kind || teacher.batch != c.takes {
				t.Errorf("%s, %d samples a run", teacher.Knowledge.Kind, teacher.batch)
			}
			answersAre(t, set, a, c.closing, unchanged(t, teacher, set, c.batch, 0), 1e-4)
		})
	}
}

func TestTeachersRefused(t *testing.T) {
	library(t)
	finish := func(f func(b *onnx.Builder, z string) string, dims ...onnx.Dim) func(t *testing.T) (string, string) {
		return func(t *testing.T) (string, string) {
			m := toyTeacher(anyBatch, func(b *onnx.Builder, z string) *onnx.Value { return onnx.NewValue(f(b, z), onnx.Float32, dims...) })
			return save(t, m), npy(t, 20, features)
		}
	}
	real := func(name string, dims ...int) func(t *testing.T) (string, string) {
		return func(t *testing.T) (string, string) { return shared(t, "teachers/"+name), npy(t, dims...) }
	}
	for _, c := range []struct {
		name  string
		files func(t *testing.T) (teacher, data string)
		want  string
	}{
		{"a state", real("silero-vad.onnx", 20, 512), `input "state" and output "stateN" hand a state from one call to the next; samples that stand alone say nothing of it`},
		{"a setting", func(t *testing.T) (string, string) {
			m := toyTeacher(anyBatch, softmax(anyBatch))
			m.Graph.Inputs = append(m.Graph.Inputs, onnx.NewValue("rate", onnx.Int64))
			return save(t, m), npy(t, 20, features)
		}, `input "rate" is one int64 for the whole batch, not one a sample; make it a constant in the file`},
		{"not a number", finish(func(b *onnx.Builder, z string) string {
			return b.Op("Log", []string{b.Op("Neg", []string{b.Op("Abs", []string{z})})})
		}, anyBatch, onnx.Fixed(classes)), `a trial run: tensor "Log" holds NaN: the teacher's answer cannot be learned`},
		{"an answer for all samples together", finish(func(b *onnx.Builder, z string) string {
			return b.Op("Transpose", []string{z}, onnx.Ints("perm", 1, 0))
		}, onnx.Fixed(classes), anyBatch), "its first dimension does not count them"},
		{"integers", func(t *testing.T) (string, string) {
			m := toyTeacher(anyBatch, func(b *onnx.Builder, z string) *onnx.Value {
				return onnx.NewValue(b.Op("Cast", []string{z}, onnx.Int("to", int64(onnx.Int64))), onnx.Int64, anyBatch, onnx.Fixed(classes))
			})
			return save(t, m), npy(t, 20, features)
		}, `no output carries scores to learn from; the model has "Cast" (int64)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := tiny(t)
			cfg.Teacher, cfg.Data.Path = c.files(t)
			_, err := Run(context.Background(), cfg, nil)
			oneLine(t, err, c.want)
			if err != nil && !strings.HasPrefix(err.Error(), cfg.Teacher+": ") {
				t.Errorf("the error does not name the file: %v", err)
			}
			nothingDeployed(t, cfg.Out)
		})
	}
}

// TestTeacherIdentity changes with whatever changes an answer, and with nothing else.
func TestTeacherIdentity(t *testing.T) {
	library(t)
	path, x := save(t, toyTeacher(anyBatch, softmax(anyBatch))), npy(t, 10, features)
	id := func(path string, d Data) target.Identity {
		t.Helper()
		teacher, err := LoadTeacher(path, "")
		if err != nil {
			t.Fatal(err)
		}
		set, err := teacher.open(context.Background(), d, func(Event) {})
		if err != nil {
			t.Fatal(err)
		}
		defer set.Close()
		return teacher.identity(set)
	}
	first := id(path, Data{Path: x})
	if again := id(path, Data{Path: npy(t, 20, features)}); again != first {
		t.Errorf("other samples change the identity: %+v, %+v", first, again)
	}
	if other := id(path, Data{Path: x, Scale: 2}); other == first {
		t.Error("another scale has the same identity")
	}
	m := toyTeacher(anyBatch, softmax(anyBatch))
	m.Graph.Initializers[0].Data[0] ^= 1
	if other := id(save(t, m), Data{Path: x}); other == first {
		t.Error("another teacher has the same identity")
	}
}

// TestDuplicates asks the teacher once for samples that are equal.
func TestDuplicates(t *testing.T) {
	v := make([]float32, 300*features)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	copy(v[150*features:], v[:150*features])
	teacher, set, a := asked(t, save(t, toyTeacher(anyBatch, softmax(anyBatch))), Data{Path: writeNPY(t, []int{300, features}, v)})
	if set.Len() != 300 || a.Len() != 150 {
		t.Errorf("%d answers to %d samples, want 150 to 300", a.Len(), set.Len())
	}
	for _, c := range []struct {
		name  string
		store *target.Answers
		want  int
	}{{"all", target.New(a.Identity, a.Dims), 150}, {"none", a, 0}} {
		given := 0
		if err := teacher.answer(context.Background(), set, c.store, all(300), 2, func(e Event) { given = e.Total }); err != nil || given != c.want {
			t.Errorf("%s to ask: the teacher got %d samples, want %d, error %v", c.name, given, c.want, err)
		}
	}
}

func TestLoadTeacherErrors(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text.onnx")
	writeText(t, text, "this is not a model")
	_, err := LoadTeacher(text, "")
	oneLine(t, err, text+": ")
	path := save(t, toyTeacher(anyBatch, softmax(anyBatch)))
	_, err = LoadTeacher(path, "q")
	oneLine(t, err, path+`: the model has no output "q"; it has "p" (float)`)
}
