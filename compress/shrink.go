// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/compress/quant"
	"github.com/kdcompress/kdcompress/compress/report"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// Shrink says which smaller number types are tried and what they may cost.
type Shrink struct {
	// Precision is "auto" (whatever is best), "int8" (static or dynamic), "dynamic"
	// or "fp16".
	Precision string `yaml:"precision"`
	// Calibrate names a calibrator; "auto" takes the one of least error.
	Calibrate string `yaml:"calibrate,omitempty"`
	// Samples are those that calibrate.
	Samples int `yaml:"calibration_samples,omitempty"`
	// MaxDrop is the share of answers that may change.
	MaxDrop float64 `yaml:"max_drop,omitempty"`
	// Force takes the form asked for even where it is slower or worse here.
	Force bool `yaml:"force_precision,omitempty"`
	// QAT trains the student on with rounded numbers; for distillation.
	QAT bool `yaml:"qat,omitempty"`
	// QATEpochs are its epochs; 0 is a tenth of the student's, at least 2.
	QATEpochs int `yaml:"qat_epochs,omitempty"`
}

// shrinkTo is a precision with the defaults of everything else.
func shrinkTo(precision string) Shrink {
	return Shrink{Precision: precision, Calibrate: "auto", Samples: 512, MaxDrop: 0.005}
}

// fp32 is the precision of a student that stays as it was trained.
const fp32 = nameFloat

// families are the forms that each precision allows.
var families = map[string][]string{
	"auto":    {nameFloat, nameStorage, nameHalf, nameStatic, nameMixed, nameQAT, nameDynamic},
	"int8":    {nameStatic, nameMixed, nameQAT, nameDynamic},
	"dynamic": {nameDynamic},
	"fp16":    {nameStorage, nameHalf},
}

// The names of the forms.
const (
	nameFloat   = "fp32"
	nameStorage = "fp16 storage"
	nameHalf    = "fp16"
	nameStatic  = "int8 static"
	nameMixed   = "int8 mixed" // static, with some layers in float
	nameQAT     = "int8 qat"   // trained with rounded numbers
	nameDynamic = "int8 dynamic"
)

func (s *Shrink) check() error {
	switch {
	case families[s.Precision] == nil:
		return usage("precision %q is unknown; there are auto, int8, dynamic and fp16", s.Precision)
	case s.Calibrate != "auto" && quant.LookupCalibrator(s.Calibrate) == nil:
		return usage("calibrator %q is unknown; there are auto, %s", s.Calibrate, strings.Join(calibratorNames(), ", "))
	case s.Samples < fewestCalibrating:
		return usage("%d samples are too few to calibrate: give at least %d", s.Samples, fewestCalibrating)
	case s.QATEpochs < 0:
		return usage("%d epochs with rounded numbers", s.QATEpochs)
	case !(s.MaxDrop >= 0 && s.MaxDrop <= 1):
		return usage("a largest drop of %g is not a share", s.MaxDrop)
	}
	return nil
}

func calibratorNames() []string {
	var names []string
	for _, c := range quant.Calibrators() {
		names = append(names, c.Name)
	}
	return names
}

// shrinker makes smaller forms of a float model and holds them against it.
type shrinker struct {
	Shrink
	float side
	// reference is the model whose answers count: the float model itself, or what
	// it learned from.
	reference      side
	referenceWords string
	// train goes on training a plan with rounded numbers; nil where nothing can.
	train func(ctx context.Context, p *quant.Plan, o *quant.Observation, opt quant.StaticOptions) (*onnx.Model, string, error)

	set *data.Set
	// calibrating samples decide ranges, choosing ones which layers stay in float,
	// held ones measure what is reported.
	calibrating, choosing, held []int
	others                      []int               // of choosing, those that do not calibrate
	answers                     []rewrite.Knowledge // the float model's, none where none is found
	seed                        uint64
	threads                     int
	maxSize                     Bytes
	maxLatency                  float64
	emit                        func(Event)

	reader      *Teacher // feeds samples
	integers    quant.Integers
	forms       []*form
	chosen      *form
	calibration report.Calibration
	layers      []report.LayerNote
	warnings    []string
	classes     bool // the output chooses among classes
	// floatAgreement is the float model's on the samples that choose, 0 until known.
	floatAgreement float64
	// floatOutputs are the float model's on the calibrating samples, where it chooses no
	// classes; nil until known.
	floatOutputs []float32
	asked        bool // the chosen one is of the family asked for
}

// form is one form of the model.
type form struct {
	report.Form
	model *onnx.Model
	file  []byte
}

// split chooses the samples that calibrate, those that choose layers, and those
// that measure: others, where there are enough.
func (s *shrinker) split(n int) {
	order := all(n)
	data.Shuffle(order, s.seed, 0)
	k := min(s.Samples, max(n/2, min(n, fewestCalibrating)))
	s.calibrating, order = order[:k:k], order[k:]
	extra := min(mostChoosing, len(order)/4)
	s.others = order[:extra:extra]
	s.choosing = append(s.calibrating, s.others...)
	s.held = order[extra:min(len(order), extra+mostMeasured)]
	if len(s.held) == 0 {
		s.held = s.calibrating
	}
	for _, idx := range [][]int{s.calibrating, s.choosing, s.others, s.held} {
		slices.Sort(idx)
	}
}

// mostMeasured bounds the samples on which answers are compared, mostChoosing those
// beside the calibrating ones that choose layers.
const mostMeasured, mostChoosing = 10000, 1500

func (s *shrinker) dims() [][]int {
	var dims [][]int
	for i := range s.float.model.Graph.DataInputs() {
		dims = append(dims, s.set.Dims(i))
	}
	return dims
}

func (s *shrinker) warn(format string, args ...any) {
	w := fmt.Sprintf(format, args...)
	s.warnings = append(s.warnings, w)
	s.emit(Event{Kind: "warning", Stage: "quantize", Message: w})
}

// feed runs samples through a model in batches.
func (s *shrinker) feed(idx []int) quant.Feed {
	batch := s.reader.batch
	if batch == 0 {
		batch = 16
	}
	return quant.Feed{Batches: (len(idx) + batch - 1) / batch, Workers: s.threads, Fill: func(b int) ([]ort.Value, error) {
		return s.reader.feed(s.set, idx[b*batch:min((b+1)*batch, len(idx))])
	}}
}

// run makes the forms, measures them side by side, and chooses.
func (s *shrinker) run(ctx context.Context) error {
	if s.reference.path == "" {
		s.reference, s.referenceWords = s.float, "it"
	}
	s.reader = &Teacher{Path: s.float.path, Model: s.float.model}
	for _, v := range s.float.model.Graph.DataInputs() {
		if len(v.Dims) > 0 && v.Dims[0].Size > 0 {
			s.reader.batch = max(s.reader.batch, int(v.Dims[0].Size))
		}
	}
	s.integers = quant.IntegersHere()
	s.findClasses(ctx)
	if err := s.checkCalibration(); err != nil {
		return err
	}
	if err := s.make(ctx); err != nil {
		return err
	}
	if err := s.measure(ctx); err != nil {
		return err
	}
	s.choose()
	return nil
}

// add takes a model among the forms, or the reason why it could not be made.
func (s *shrinker) add(name, note string, m *onnx.Model, err error) *form {
	c := &form{model: m}
	c.Name, c.Note = name, note
	if err == nil && name != nameFloat {
		for _, p := range [][2]string{{"kdcompress.precision", name}, {"kdcompress.float_sha256", report.Describe("", s.float.file, s.float.model).SHA256}} {
			m.SetProperty(p[0], p[1])
		}
		quant.Slim(m)
		c.file, err = m.Encode()
	}
	if err != nil {
		c.Failed = err.Error()
	}
	s.forms = append(s.forms, c)
	return c
}

// make writes every form.
func (s *shrinker) make(ctx context.Context) error {
	s.add(nameFloat, "", s.float.model, nil).file = s.float.file
	normal, err := normalised(s.float)
	if err != nil {
		return err
	}
	stored, n := quant.Storage(normal, 0)
	if n == 0 {
		err = fmt.Errorf("no weights large enough to gain by it, and within float16's range")
	}
	s.add(nameStorage, "", stored, err)
	half, err := quant.Half(normal)
	s.add(nameHalf, "", half, err)
	s.emit(Event{Kind: "stage", Stage: "calibrate", Message: fmt.Sprintf("observing the model on %d samples", len(s.calibrating))})
	feed := s.feed(s.calibrating)
	ranks, err := quant.Ranks(ctx, s.float.model, feed)
	if err != nil {
		return onnx.InFile(s.float.path, err)
	}
	prepared, err := quant.Prepare(s.float.model, ranks)
	if err != nil {
		return onnx.InFile(s.float.path, err)
	}
	if err := s.static(ctx, prepared, feed); err != nil {
		return err
	}
	dynamic, layers, err := quant.Dynamic(prepared, s.integers)
	if err == nil && layers == 0 {
		err = fmt.Errorf("no MatMul or Gemm with constant weights")
	}
	if err == nil {
		dynamic, _ = quant.Storage(dynamic, storedInInt8)
	}
	s.add(nameDynamic, "", dynamic, err)
	return ctx.Err()
}

// storedInInt8 is the size from which the float tensors left in an int8 model are
// stored as float16: embeddings, positions.
const storedInInt8 = 256

// measure times the forms in turn and compares their answers with the float
// model's.
func (s *shrinker) measure(ctx context.Context) error {
	s.emit(Event{Kind: "stage", Stage: "measure", Message: fmt.Sprintf("measuring %d forms side by side", len(s.forms))})
	var made []*form
	for _, c := range s.forms {
		if c.Failed != "" {
			continue
		}
		fused, err := quant.Fused(c.file)
		if err != nil {
			c.Failed = err.Error()
			continue
		}
		c.Integer = fused.Integer
		if len(fused.Stray) > 0 {
			s.warn("%s: ONNX Runtime computes %d of its layers in float, with conversions around them: %s", c.Name, len(fused.Stray), strings.Join(fused.Stray, ", "))
		}
		made = append(made, c)
	}
	p := pair{teacher: s.reference, answers: s.answers, dims: s.dims(), seed: s.seed, threads: s.threads}
	var files [][]byte
	for _, c := range made {
		files = append(files, c.file)
	}
	stats, ratios, ci, err := report.Latencies(ctx, files, report.LatencyOptions{Batch: p.batch(), Seed: s.seed, Dims: p.dims})
	if err != nil {
		return err
	}
	name := "samples that did not calibrate"
	if &s.held[0] == &s.calibrating[0] {
		name = "the samples that calibrated"
		s.warn("agreement is measured on the %d samples that calibrated: there are no others", len(s.held))
	}
	for i, c := range made {
		c.Bytes, c.BytesRatio = int64(len(c.file)), float64(len(s.float.file))/float64(len(c.file))
		c.Latency, c.Ratio, c.RatioCI95 = stats[i], ratios[i], ci[i]
		if i == 0 && s.reference.path == s.float.path {
			c.Fidelity = report.Fidelity{Set: name, Samples: len(s.held), Agreement: 1, AgreementCI95: report.Wilson(float64(len(s.held)), len(s.held))}
			continue
		}
		p.student = side{path: s.float.path + " as " + c.Name, file: c.file, model: c.model}
		if c.Fidelity, err = s.agreement(ctx, p, name); err != nil {
			return err
		}
	}
	s.doubtAgreement(made)
	return nil
}

// oneClass is the share of answers from which a single class makes agreement
// meaningless.
const oneClass = 0.98

// doubtAgreement warns where the measured samples cannot tell what smaller numbers
// cost: too few of them, or nearly all of one class.
func (s *shrinker) doubtAgreement(made []*form) {
	for _, c := range made {
		f := c.Fidelity
		if !s.classes || f.TeacherClasses == nil {
			continue
		}
		if one := 1 / float64(max(f.Answers, 1)); one > s.MaxDrop && s.MaxDrop > 0 {
			s.warn("agreement is measured on %d answers, so that a single one is %.2f points, more than the allowed %.2f: give more samples", f.Answers, 100*one, 100*s.MaxDrop)
		}
		var all int64
		for _, n := range f.TeacherClasses.Counts {
			all += n
		}
		if most := slices.Max(f.TeacherClasses.Counts); float64(most) >= oneClass*float64(all) && len(f.TeacherClasses.Counts) > 1 {
			s.warn("the model chooses class %d on %d of %d answers: these may not be the inputs that it is used on, and agreement on them says little", slices.Index(f.TeacherClasses.Counts, most), most, all)
		}
		return
	}
}

// agreement compares a form's answers with the float model's. Answers that are no
// choice among classes agree by the share of their energy that is kept.
func (s *shrinker) agreement(ctx context.Context, p pair, name string) (report.Fidelity, error) {
	if s.classes {
		f, _, err := p.compare(ctx, s.set, s.held, name, false)
		if err != nil {
			return report.Fidelity{}, err
		}
		return f[0], nil
	}
	few := s.held[:min(len(s.held), mostChoosing)]
	want, err := s.outputs(ctx, s.reference.file, s.feed(few))
	if err != nil {
		return report.Fidelity{}, err
	}
	got, err := s.outputs(ctx, p.student.file, s.feed(few))
	if err != nil {
		return report.Fidelity{}, err
	}
	kept := max(1-outputError(want, got), 0)
	return report.Fidelity{Set: name, Samples: len(few), Answers: len(want), Agreement: kept, AgreementCI95: report.Interval{kept, kept}}, nil
}

// findClasses learns whether the compared output holds scores of classes, by
// comparing the float model with itself on one sample.
func (s *shrinker) findClasses(ctx context.Context) {
	p := pair{teacher: s.reference, student: s.float, answers: s.answers, dims: s.dims(), threads: 1}
	f, _, err := p.compare(ctx, s.set, s.held[:1], "", false)
	if err == nil && (len(f) == 0 || !f[0].Classes()) {
		err = errors.New("its numbers are something else")
	}
	if s.classes = err == nil; !s.classes {
		s.warn("the output is no choice among classes (%v): agreement is the share of the outputs' energy that is kept", err)
	}
}

// keep writes every form to a folder.
func (s *shrinker) keep(dir string) error {
	if err := writable(dir); err != nil {
		return err
	}
	for _, c := range s.forms {
		if c.Failed == "" && c.Name != nameFloat {
			path := filepath.Join(dir, strings.ReplaceAll(c.Name, " ", "-")+".onnx")
			if err := os.WriteFile(path, c.file, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// outputError is the energy of the difference of two models' outputs over that of
// the first's.
func outputError(want, got []float32) float64 {
	var d, e float64
	for i, v := range want {
		x := float64(v) - float64(got[i])
		d += x * x
		e += float64(v) * float64(v)
	}
	if e == 0 || math.IsNaN(d) {
		return math.Inf(1)
	}
	return d / e
}
