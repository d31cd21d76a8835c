// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/compress/loss"
	"github.com/kdcompress/kdcompress/onnx"
)

// pictureTeacher is a small convolutional net of random weights on 1x8x8 pictures:
// maps of 8x8 and 4x4, their mean, a linear layer. A tensor's name has a colon.
func pictureTeacher(batch onnx.Dim) *onnx.Model {
	b := onnx.NewBuilder(&onnx.Graph{Name: "teacher"}, "")
	r := rand.New(rand.NewPCG(7, 8))
	normal := func(stem string, std float64, dims ...int64) string {
		n := 1
		for _, d := range dims {
			n *= int(d)
		}
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(r.NormFloat64() * std)
		}
		return b.Float32(stem, dims, v)
	}
	x := b.Input("x", onnx.Float32, batch, onnx.Fixed(1), onnx.Fixed(8), onnx.Fixed(8))
	conv := func(x, stem string, in, out, stride int64) string {
		x = b.OpNamed(stem, "Conv", []string{x, normal(stem+".w", 0.5, out, in, 3, 3), normal(stem+".b", 0.1, out)}, onnx.Ints("kernel_shape", 3, 3),
			onnx.Ints("strides", stride, stride), onnx.Ints("pads", 1, 1, 1, 1))
		return b.OpNamed(stem+":relu", "Relu", []string{x})
	}
	x = conv(conv(x, "first", 1, 12, 1), "second", 12, 16, 2)
	x = b.OpNamed("flat", "Flatten", []string{b.OpNamed("pool", "GlobalAveragePool", []string{x})})
	z := b.OpNamed("logits", "Gemm", []string{x, normal("head.w", 1, 16, classes), normal("head.b", 0.1, classes)})
	b.Output(z, onnx.Float32, batch, onnx.Fixed(classes))
	return &onnx.Model{IRVersion: 7, Opsets: []onnx.Opset{{Version: 13}}, ProducerName: "toy", Graph: b.G}
}

// pictures is a distillation of pictureTeacher that takes no time but that of the
// measurements.
func pictures(t testing.TB, batch onnx.Dim) Config {
	t.Helper()
	c := tiny(t)
	c.Teacher, c.Data.Path = save(t, pictureTeacher(batch)), npy(t, 80, 1, 8, 8)
	c.Student, c.Epochs, c.Batch = "convnet:width=8,depth=2", 2, 16
	return c
}

// TestLossesInside distils with all losses on tensors inside the models at once,
// and with the one that takes the teacher's head. What is exported is the student
// alone.
func TestLossesInside(t *testing.T) {
	var takes, others []*loss.Loss
	for _, l := range loss.All() {
		switch {
		case l.Family == loss.Response, l.Place == loss.States: // see TestStates
		case l.TakesHead:
			takes = append(takes, l)
		default:
			others = append(others, l)
		}
	}
	for _, list := range [][]*loss.Loss{others, takes} {
		c := pictures(t, onnx.Fixed(1))
		for _, l := range list {
			switch {
			case l.TakesHead:
				c.Loss, c.Feature = noLoss, append(c.Feature, l.Name)
			case l.Family == loss.Feature:
				c.Feature = append(c.Feature, l.Name)
			default:
				c.Relation = append(c.Relation, l.Name+":auto")
			}
		}
		r, events := run(t, c)
		m, err := onnx.Load(r.Student)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range m.Graph.Initializers {
			if strings.Contains(x.Name, "kdcompress") {
				t.Errorf("the exported student holds %s", x.Name)
			}
		}
		for _, l := range list {
			if !slices.ContainsFunc(events, func(e Event) bool { return strings.HasPrefix(e.Message, "loss "+l.Name+" compares") }) {
				t.Errorf("nothing is said of what %s compares", l.Name)
			}
			if l.TakesHead {
				sameHead(t, m)
			}
		}
	}
}

// sameHead says that a student ends in the teacher's linear layer, to the last bit.
func sameHead(t *testing.T, m *onnx.Model) {
	t.Helper()
	teacher := pictureTeacher(anyBatch).Graph
	last := m.Graph.Producers()["logits"]
	if last == nil || last.OpType != "Gemm" {
		t.Fatalf("the logits come from %+v", last)
	}
	for i, name := range []string{"head.w", "head.b"} {
		if got := m.Graph.Initializer(last.Inputs[i+1]); got == nil || !bytes.Equal(got.Data, teacher.Initializer(name).Data) {
			t.Errorf("operand %d of the student's head is not the teacher's %s", i+1, name)
		}
	}
	convs := 0
	for _, n := range m.Graph.Nodes {
		if n.OpType == "Conv" {
			convs++
		}
	}
	if convs != 2+3 {
		t.Errorf("%d convolutions, want the student's 2 and the projector's 3", convs)
	}
}

// TestHeadOfSmallerMaps has a student whose last map is twice as high and wide as
// the teacher's: it is averaged down, and the projector goes on from there.
func TestHeadOfSmallerMaps(t *testing.T) {
	c := pictures(t, anyBatch)
	c.Student, c.Loss, c.Feature = "resnet:width=8,stages=1", noLoss, []string{"simkd"}
	r, _ := run(t, c)
	m, err := onnx.Load(r.Student)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(m.Graph.Nodes, func(n *onnx.Node) bool { return n.OpType == "AveragePool" })
	if i < 0 {
		t.Fatal("no map is averaged")
	}
	if k := m.Graph.Nodes[i].Ints("kernel_shape", nil); !slices.Equal(k, []int64{2, 2}) {
		t.Errorf("averaged over %v, want squares of 2 x 2", k)
	}
}

// TestStages takes the last map of a size, but not a convolution that is pooled
// before it is rectified.
func TestStages(t *testing.T) {
	b := onnx.NewBuilder(&onnx.Graph{}, "")
	x := b.Input("x", onnx.Float32, anyBatch, onnx.Fixed(1), onnx.Fixed(8), onnx.Fixed(8))
	conv := func(stem, x string) string {
		return b.OpNamed(stem, "Conv", []string{x, b.Float32(stem+".w", []int64{1, 1, 1, 1}, []float32{1})})
	}
	pool := func(stem, x string) string {
		return b.OpNamed(stem, "MaxPool", []string{x}, onnx.Ints("kernel_shape", 2, 2), onnx.Ints("strides", 2, 2))
	}
	relu := b.OpNamed("relu", "Relu", []string{conv("first", x)})
	small := b.OpNamed("small", "Relu", []string{pool("pool", conv("second", relu))})
	pool("last", conv("third", pool("another", conv("alone", small))))
	a := &anatomy{graph: b.G}
	for i, tensor := range []string{"first", "relu", "second", "pool", "small", "alone", "another", "third"} {
		side := 8 >> (i / 3)
		a.inner = append(a.inner, inner{tensor, []int{1, side, side}})
	}
	var got []string
	for _, s := range a.stages() {
		got = append(got, s.tensor)
	}
	if want := []string{"relu", "small", "another"}; !slices.Equal(got, want) {
		t.Errorf("stages %q, want %q", got, want)
	}
}

// TestTapsByName pairs the tensors the user names.
func TestTapsByName(t *testing.T) {
	c := pictures(t, anyBatch)
	c.Feature, c.Taps = []string{"fitnet"}, []string{"first:relu:Relu"}
	_, events := run(t, c)
	if !slices.ContainsFunc(events, func(e Event) bool {
		return strings.Contains(e.Message, `compares "Relu" [8 8 8] of the student with "first:relu" [12 8 8] of the teacher`)
	}) {
		t.Error("the tensors named were not compared")
	}
}

func TestLossesInsideRefused(t *testing.T) {
	for _, tc := range []struct {
		change func(c *Config)
		want   string
		usage  bool
	}{
		{func(c *Config) { c.Feature = []string{"rkd"} }, "loss rkd is no feature loss; there are at, fitnet, hidden, ofd", true},
		{func(c *Config) { c.Loss = "fitnet" }, "give it with --feature or --relation", true},
		{func(c *Config) { c.Loss = noLoss }, "leaves the logits untrained", true},
		{func(c *Config) { c.Taps = []string{"a:b"} }, "neither is given", true},
		{func(c *Config) { c.Feature = []string{"fitnet"}; c.Taps = []string{"nothing:Relu"} }, "TEACHER:STUDENT", false},
		{func(c *Config) { c.Feature = []string{"vid"}; c.Taps = []string{"first:relu:Relu_1"} },
			"maps of 4x4 and 8x8 are not of one size", false},
		{func(c *Config) { c.Loss, c.Feature, c.Taps = noLoss, []string{"simkd"}, []string{"first:relu:Relu_1"} },
			`the student's "Relu_1" [16 4 4] cannot be averaged down to the teacher's "first:relu" [12 8 8]`, false},
	} {
		c := pictures(t, anyBatch)
		tc.change(&c)
		_, err := Run(context.Background(), c, nil)
		oneLine(t, err, tc.want)
		var u *UsageError
		if errors.As(err, &u) != tc.usage {
			t.Errorf("%v: a usage error or not, wrongly", err)
		}
		nothingDeployed(t, c.Out)
	}
}

// TestResumeInside cuts a training with projectors and balanced weights short and
// goes on: the student is the same to the last byte.
func TestResumeInside(t *testing.T) {
	c := pictures(t, anyBatch)
	c.Feature, c.Relation, c.Epochs = []string{"fitnet:auto"}, []string{"sp:auto"}, 4
	run(t, c)
	want := read(t, c.Out, "student.onnx")
	cut := c
	cut.Out = t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	_, err := Run(ctx, cut, func(e Event) {
		if e.Kind == "epoch" && e.Done == 2 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	cut.Resume = true
	run(t, cut)
	if !bytes.Equal(read(t, cut.Out, "student.onnx"), want) {
		t.Errorf("the resumed run in %s gives another student", filepath.Base(cut.Out))
	}
}

// TestStates compares the states of a net that reads sequences of any length with
// those of a narrower one.
func TestStates(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	b := onnx.NewBuilder(&onnx.Graph{Name: "teacher"}, "")
	normal := func(dims ...int64) string {
		v := make([]float32, dims[0]*dims[1])
		for i := range v {
			v[i] = float32(r.NormFloat64() / 3)
		}
		return b.Float32("w", dims, v)
	}
	x := b.Input("x", onnx.Float32, anyBatch, onnx.Symbolic("L"), onnx.Fixed(4))
	for i := range int64(2) {
		x = b.Op("Relu", []string{b.Op("MatMul", []string{x, normal(4+28*i, 32)})})
	}
	x = b.Op("ReduceMean", []string{x}, onnx.Ints("axes", 1), onnx.Int("keepdims", 0))
	b.Output(b.OpNamed("logits", "MatMul", []string{x, normal(32, classes)}), onnx.Float32, anyBatch, onnx.Fixed(classes))
	c := tiny(t)
	c.Teacher = save(t, &onnx.Model{IRVersion: 7, Opsets: []onnx.Opset{{Version: 13}}, Graph: b.G})
	c.Data.Path, c.Task = npy(t, 80, 6, 4), "classify"
	c.Student, c.Feature, c.Epochs, c.Batch = "narrow:ratio=0.5", []string{"hidden:auto"}, 2, 16
	got, events := run(t, c)
	if !said(events, "[6 16] of the student with") || !said(events, "[6 32] of the teacher") {
		t.Errorf("what is compared is not said: %+v", events)
	}
	if !got.Report.Contract.OK || got.Report.Student.Params >= got.Report.Teacher.Params {
		t.Errorf("%s", got.Report.Verdict)
	}
	c = pictures(t, anyBatch)
	c.Feature = []string{"hidden"}
	_, err := Run(context.Background(), c, nil)
	oneLine(t, err, "no vectors at as many places of a sequence; name the tensors with --tap")
}
