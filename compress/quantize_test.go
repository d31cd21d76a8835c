// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/compress/report"
	"github.com/kdcompress/kdcompress/onnx"
)

// smallPictures writes samples of 1x12x12: smooth unless noise is wanted.
func smallPictures(t *testing.T, n int, value func(r *rand.Rand, y, x int) float32) string {
	t.Helper()
	r := rand.New(rand.NewPCG(5, uint64(n)))
	v := make([]float32, 0, n*144)
	for range n {
		for y := range 12 {
			for x := range 12 {
				v = append(v, value(r, y, x))
			}
		}
	}
	path := filepath.Join(t.TempDir(), "pictures.npy")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := data.WriteNPY(f, []int{n, 1, 12, 12}, v); err != nil {
		t.Fatal(err)
	}
	return path
}

// smallConv is a classifier of such pictures.
func smallConv(t *testing.T, properties ...onnx.Property) string {
	t.Helper()
	g := &onnx.Graph{Name: "small"}
	b := onnx.NewBuilder(g, "")
	r := rand.New(rand.NewPCG(2, 2))
	weight := func(dims ...int64) string {
		n := int64(1)
		for _, d := range dims {
			n *= d
		}
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(r.NormFloat64() / 4)
		}
		return b.Float32("w", dims, v)
	}
	x := b.Input("x", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(1), onnx.Fixed(12), onnx.Fixed(12))
	x = b.Op("Relu", []string{b.Op("Conv", []string{x, weight(8, 1, 3, 3), weight(8)})})
	x = b.Op("Flatten", []string{x})
	b.Output(b.Op("Gemm", []string{x, weight(5, 800), weight(5)}, onnx.Int("transB", 1)), onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(5))
	m := &onnx.Model{IRVersion: 7, Opsets: []onnx.Opset{{Version: 13}}, Graph: g, Metadata: properties}
	path := filepath.Join(t.TempDir(), "small.onnx")
	if err := onnx.Save(path, m); err != nil {
		t.Fatal(err)
	}
	return path
}

func quantizeConfig(t *testing.T, model, samples string) QuantizeConfig {
	c := DefaultQuantize()
	c.Model, c.Data.Path, c.Out, c.Threads = model, samples, filepath.Join(t.TempDir(), "out.onnx"), 2
	return c
}

func smoothPixel(r *rand.Rand, y, x int) float32 {
	return float32(y+x)/12 - 1 + float32(r.NormFloat64()/4)
}

// TestQuantizeMNIST: a trained net of convolutions becomes at least 3.5 times
// smaller in int8, and half as large in fp16, without losing more than half a
// point of agreement.
func TestQuantizeMNIST(t *testing.T) {
	library(t)
	c := quantizeConfig(t, filepath.Join("..", "models", "mnist-teacher.onnx"), mnist(t, "t10k-images-idx3-ubyte.gz"))
	c.Data.Mean, c.Data.Std, c.Data.Limit = []float64{0.1307}, []float64{0.3081}, 1500
	c.Precision, c.Samples, c.Force = "int8", 200, true
	r, err := Quantize(context.Background(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]report.Form{}
	for _, x := range r.Forms {
		by[x.Name] = x
	}
	if s := by[nameStatic]; s.BytesRatio < 3.5 || s.Fidelity.Agreement < 0.995 || s.Integer != 7 || s.Fidelity.Samples != 975 {
		t.Errorf("static int8: %.2fx smaller, agreement %v on %d, %d integer layers", s.BytesRatio, s.Fidelity.Agreement, s.Fidelity.Samples, s.Integer)
	}
	if s := by[nameStorage]; s.BytesRatio < 1.9 || s.Fidelity.Agreement < 0.999 {
		t.Errorf("fp16 storage: %.2fx smaller, agreement %v", s.BytesRatio, s.Fidelity.Agreement)
	}
	m, err := onnx.Load(c.Out)
	if err != nil {
		t.Fatal(err)
	}
	if p, _ := m.Property("kdcompress.precision"); p != r.Chosen || !r.Contract.OK || len(r.Calibration.Errors) < 8 {
		t.Errorf("wrote %q, chose %q, contract %v, tried %v", p, r.Chosen, r.Contract, r.Calibration.Errors)
	}
	var text strings.Builder
	if err := r.WriteText(&text); err != nil || !strings.Contains(text.String(), "int8 static") || !strings.Contains(text.String(), "VERDICT") {
		t.Errorf("%v, %s", err, text.String())
	}
}

// TestQuantizeTooSmall: what is written of a tiny net, for which integers hardly pay,
// follows from what was measured, whatever that was: a form that measured slower is
// named so and not written, and if no integer form is left, the run says that what was
// asked for was not taken. TestQuantizeChoice holds the choice itself to made-up
// measurements.
func TestQuantizeTooSmall(t *testing.T) {
	library(t)
	g := &onnx.Graph{Name: "tiny"}
	b := onnx.NewBuilder(g, "")
	x := b.Input("x", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(1), onnx.Fixed(12), onnx.Fixed(12))
	w := make([]float32, 144*3)
	for i := range w {
		w[i] = float32(i%7) / 50
	}
	y := b.Op("MatMul", []string{b.Op("Flatten", []string{x}), b.Float32("w", []int64{144, 3}, w)})
	b.Output(y, onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(3))
	model := filepath.Join(t.TempDir(), "tiny.onnx")
	if err := onnx.Save(model, &onnx.Model{IRVersion: 7, Opsets: []onnx.Opset{{Version: 13}}, Graph: g}); err != nil {
		t.Fatal(err)
	}
	c := quantizeConfig(t, model, smallPictures(t, 300, smoothPixel))
	c.Precision, c.MaxDrop = "int8", 1
	r, err := Quantize(context.Background(), c, nil)
	if r == nil {
		t.Fatal(err)
	}
	for _, x := range r.Forms {
		if x.Name == r.Chosen && x.Slower() {
			t.Errorf("wrote %s, which is slower: %v", x.Name, x.RatioCI95)
		}
		if x.Failed == "" && x.Slower() && !strings.Contains(x.Verdict, "slower than float here") {
			t.Errorf("%s: %q at %v", x.Name, x.Verdict, x.RatioCI95)
		}
	}
	var missed *MissedError
	switch taken := strings.HasPrefix(r.Chosen, "int8"); {
	case taken && err != nil:
		t.Errorf("error %v though %s was written", err, r.Chosen)
	case !taken && (!errors.As(err, &missed) || !strings.Contains(r.Verdict, "int8 was asked for and not taken")):
		t.Errorf("error %v, verdict %q", err, r.Verdict)
	}
	m, err := onnx.Load(c.Out)
	if err != nil {
		t.Fatal(err)
	}
	if p, _ := m.Property("kdcompress.precision"); p != r.Chosen && r.Chosen != nameFloat {
		t.Errorf("wrote %q, chose %s", p, r.Chosen)
	}
}

// TestQuantizeChoice: a form that is slower than the float model, or changes more
// answers than allowed, is named so and not taken, unless that is forced.
func TestQuantizeChoice(t *testing.T) {
	s := &shrinker{Shrink: Shrink{Precision: "auto", MaxDrop: 0.01}}
	add := func(name string, bytes, speed, agreement float64) *form {
		c := &form{}
		c.Name, c.BytesRatio, c.Ratio, c.RatioCI95 = name, bytes, speed, report.Interval{speed, speed}
		c.Fidelity.Agreement, c.Fidelity.Samples = agreement, 1000
		s.forms = append(s.forms, c)
		return c
	}
	add(nameFloat, 1, 1, 1)
	stored := add(nameStorage, 2, 1, 1)
	static := add(nameStatic, 4, 2, 0.98)
	s.choose()
	if s.chosen != stored || !strings.Contains(static.Verdict, "loses 2.00 points") {
		t.Errorf("chose %s, static: %q", s.chosen.Name, static.Verdict)
	}
	s.MaxDrop = 0.03
	if s.choose(); s.chosen != static {
		t.Errorf("chose %s", s.chosen.Name)
	}
	static.Ratio, static.RatioCI95 = 0.9, report.Interval{0.89, 0.91}
	if s.choose(); s.chosen != stored || !strings.Contains(static.Verdict, "slower") {
		t.Errorf("chose %s, static: %q", s.chosen.Name, static.Verdict)
	}
	// One changed answer of a hundred is no reason, two are.
	static.Ratio, static.RatioCI95, s.MaxDrop, s.classes = 2, report.Interval{2, 2}, 0.005, true
	for changed, want := range map[int]*form{1: static, 2: stored} {
		static.Fidelity.Answers, static.Fidelity.Agreement = 100, 1-float64(changed)/100
		if s.choose(); s.chosen != want {
			t.Errorf("%d of 100 answers changed: chose %s", changed, s.chosen.Name)
		}
	}
	s.MaxDrop, static.Ratio, static.RatioCI95 = 0.03, 0.9, report.Interval{0.89, 0.91}
	s.Precision = "int8"
	if s.choose(); s.chosen != stored || s.asked || s.missed() == nil {
		t.Errorf("chose %s, asked %v", s.chosen.Name, s.asked)
	}
	s.Force = true
	if s.choose(); s.chosen != static || !s.asked || !strings.Contains(static.Verdict, "all the same") {
		t.Errorf("chose %s: %q", s.chosen.Name, static.Verdict)
	}
}

// TestQuantizeDoubts: samples that cannot tell what smaller numbers cost are named.
func TestQuantizeDoubts(t *testing.T) {
	for _, c := range []struct {
		counts []int64
		want   string
	}{
		{[]int64{500, 480}, ""},
		{[]int64{50, 48}, "98 answers, so that a single one is 1.02 points"},
		{[]int64{2, 998}, "class 1 on 998 of 1000 answers"},
	} {
		s := &shrinker{Shrink: Shrink{MaxDrop: 0.005}, classes: true, emit: func(Event) {}}
		f := &form{}
		f.Fidelity.TeacherClasses = &report.ClassHistogram{Counts: c.counts}
		f.Fidelity.Answers = int(c.counts[0] + c.counts[1])
		s.doubtAgreement([]*form{{}, f})
		if got := strings.Join(s.warnings, "; "); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%v: warnings %q, want %q", c.counts, got, c.want)
		}
	}
}

// TestCalibrationDataRefused: what cannot calibrate is refused or warned of, by name.
func TestCalibrationDataRefused(t *testing.T) {
	library(t)
	was := onnx.Property{Key: rangeProperty + "x", Value: "-1 1"}
	for _, c := range []struct {
		name, refused, warned string
		n                     int
		value                 func(r *rand.Rand, y, x int) float32
		properties            []onnx.Property
	}{
		{"few", "10 samples are too few", "", 10, smoothPixel, nil},
		{"not many", "", "30 samples calibrate", 60, smoothPixel, nil},
		{"all the same", `input "x" the same values`, "20 samples", 40, func(_ *rand.Rand, y, x int) float32 { return float32(y + x) }, nil},
		{"flat", `input "x" is one value`, "20 samples", 40, flatPixel(), nil},
		{"noise", "", `input "x" looks like random data`, 300, func(r *rand.Rand, _, _ int) float32 { return float32(r.NormFloat64()) }, nil},
		{"not normalised", `input "x" runs from`, "", 300, func(r *rand.Rand, y, x int) float32 { return 100 * smoothPixel(r, y, x) }, []onnx.Property{was}},
		{"as distilled", "", "", 300, func(r *rand.Rand, y, x int) float32 { return smoothPixel(r, y, x) / 2 }, []onnx.Property{was}},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := quantizeConfig(t, smallConv(t, c.properties...), smallPictures(t, c.n, c.value))
			float, err := loadSide(q.Model)
			if err != nil {
				t.Fatal(err)
			}
			wants, err := (&Teacher{Path: q.Model, Model: float.model}).Wants()
			if err != nil {
				t.Fatal(err)
			}
			set, err := data.Open(context.Background(), q.Data.Path, wants, q.Data.options())
			if err != nil {
				t.Fatal(err)
			}
			defer set.Close()
			s := &shrinker{Shrink: q.Shrink, float: float, set: set, seed: 1, emit: func(Event) {}}
			s.split(set.Len())
			err = s.checkCalibration()
			if c.refused == "" && err != nil || c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)) {
				t.Errorf("error %v, want %q", err, c.refused)
			}
			if got := strings.Join(s.warnings, "; "); c.warned == "" && got != "" || !strings.Contains(got, c.warned) {
				t.Errorf("warnings %q, want %q", got, c.warned)
			}
		})
	}
}

// flatPixel gives every picture one value throughout.
func flatPixel() func(r *rand.Rand, y, x int) float32 {
	var v float32
	return func(r *rand.Rand, y, x int) float32 {
		if y == 0 && x == 0 {
			v = r.Float32()
		}
		return v
	}
}

func TestQuantizeUsage(t *testing.T) {
	for want, change := range map[string]func(c *QuantizeConfig){
		"no model":      func(c *QuantizeConfig) { c.Model = "" },
		"no data":       func(c *QuantizeConfig) { c.Data.Path = "" },
		"no output":     func(c *QuantizeConfig) { c.Out = "" },
		"precision":     func(c *QuantizeConfig) { c.Precision = "int3" },
		"calibrator":    func(c *QuantizeConfig) { c.Calibrate = "guess" },
		"too few":       func(c *QuantizeConfig) { c.Samples = 3 },
		"not a share":   func(c *QuantizeConfig) { c.MaxDrop = 2 },
		"is the model":  func(c *QuantizeConfig) { c.Model, c.Out = "quantize_test.go", "quantize_test.go" },
		"cannot be neg": func(c *QuantizeConfig) { c.MaxLatency = -1 },
	} {
		c := quantizeConfig(t, "m.onnx", "d.npy")
		change(&c)
		var usage *UsageError
		if err := c.Check(); !errors.As(err, &usage) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// TestQuantizeMixed: a net with one layer that integers cannot hold keeps that
// layer in float, and names it.
func TestQuantizeMixed(t *testing.T) {
	library(t)
	path := smallConv(t)
	m, err := onnx.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	// An outlier in every row of the last layer, for a feature that is always zero,
	// leaves the other weights no levels.
	bias := m.Graph.Initializer("w_1")
	copy(bias.Data, onnx.NewFloat32("", nil, []float32{-100}).Data)
	w := m.Graph.Initializer("w_2")
	v, err := onnx.Values[float32](w)
	if err != nil || w.Dims[1] != 800 {
		t.Fatal(w.Dims, err)
	}
	for i := 0; i < len(v); i += 800 {
		v[i] = 200
	}
	w.Data = onnx.NewFloat32("", w.Dims, v).Data
	if err := onnx.Save(path, m); err != nil {
		t.Fatal(err)
	}
	c := quantizeConfig(t, path, smallPictures(t, 600, smoothPixel))
	c.Precision, c.Force = "int8", true
	r, err := Quantize(context.Background(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]report.Form{}
	for _, x := range r.Forms {
		by[x.Name] = x
	}
	static, mixed := by[nameStatic], by[nameMixed]
	if static.Fidelity.Agreement > 0.9 || mixed.Fidelity.Agreement < static.Fidelity.Agreement+0.1 || mixed.Integer != 1 || !strings.Contains(static.Verdict, "loses") {
		t.Errorf("static agrees on %v (%s), mixed on %v with %d integer layers", static.Fidelity.Agreement, static.Verdict, mixed.Fidelity.Agreement, mixed.Integer)
	}
	if len(r.Layers) != 1 || r.Layers[0].Op != "Gemm" || r.Layers[0].Error <= 0 {
		t.Errorf("layers in float %+v", r.Layers)
	}
}
