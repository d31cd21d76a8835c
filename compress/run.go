// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"go.yaml.in/yaml/v3"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/compress/distill"
	"github.com/kdcompress/kdcompress/compress/loss"
	"github.com/kdcompress/kdcompress/compress/report"
	"github.com/kdcompress/kdcompress/compress/target"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
	"github.com/kdcompress/kdcompress/student"
)

// Result is what a distillation came to.
type Result struct {
	Report *report.Report
	// Student is the path of the written model.
	Student string
}

// MissedError says that a model was written but misses budgets, or has another number
// type than was asked for.
type MissedError struct {
	Budgets []string
	Of      string // the file that was written, "" for a student's
}

func (e *MissedError) Error() string {
	missed := strings.Join(e.Budgets, ", ")
	if e.Of != "" {
		return e.Of + " was written, but misses " + missed
	}
	return "the student misses its budget: " + missed
}

// job is a distillation under way.
type job struct {
	Config
	began    time.Time
	events   *os.File
	listener func(Event)
	warnings []string

	teacher *Teacher
	set     *data.Set
	eval    *data.Set // independent samples, nil without
	train   []int
	held    []int
	answers *target.Answers
	student *student.Student
	// candidates and search are those of --student auto.
	candidates []*candidate
	search     *search
	trained    *distill.Result

	// What the losses inside the models compare.
	teacherInside, studentInside *anatomy
	inside                       []loss.Term
	taps                         []distill.Tap
	ensemble                     *ensemble // nil with one teacher

	precision *report.Precision // the forms that were tried, nil if none were
	notTaken  []string          // what was asked for in vain
}

// Run distils a teacher as the configuration says. The model and its report
// appear in Config.Out whole, once the written file has been checked against the
// teacher, or not at all. A missed budget is a *MissedError beside a Result; a
// broken contract is an error without one.
//
// A cancelled context ends the run with the context's error; with Config.Resume
// a second run goes on from the last whole epoch.
func Run(ctx context.Context, c Config, listener func(Event)) (*Result, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if err := writable(c.Out); err != nil {
		return nil, err
	}
	j := &job{Config: c, began: time.Now(), listener: listener}
	mode := os.O_TRUNC
	if c.Resume {
		mode = os.O_APPEND
	}
	var err error
	if j.events, err = os.OpenFile(j.path("events.jsonl"), os.O_CREATE|os.O_WRONLY|mode, 0o644); err != nil {
		return nil, err
	}
	defer j.events.Close()
	if err := startRuntime(c.Library); err != nil {
		return nil, err
	}
	defer func() {
		for _, s := range []*data.Set{j.set, j.eval} {
			if s != nil {
				s.Close()
			}
		}
	}()
	if err := j.prepare(ctx); err != nil {
		return nil, err
	}
	if err := j.distill(ctx); err != nil {
		return nil, err
	}
	return j.finish(ctx)
}

// targets is the folder of the teacher's answers.
func (j *job) targets() string {
	if j.Targets != "" {
		return j.Targets
	}
	return j.path("targets")
}

func (j *job) path(name string) string { return filepath.Join(j.Out, name) }

// emit passes an event on and keeps it.
func (j *job) emit(e Event) {
	if e.Kind == "warning" {
		j.warnings = append(j.warnings, e.Message)
	}
	if !e.Passing() {
		if b, err := json.Marshal(e); err == nil {
			// A lost line of the log is not worth the run.
			_, _ = j.events.Write(append(b, '\n'))
		}
	}
	if j.listener != nil {
		j.listener(e)
	}
}

// prepare loads the teacher and the samples, builds the student and checks that
// all three fit, before any work is done.
func (j *job) prepare(ctx context.Context) error {
	var err error
	if j.teacher, err = LoadTeacher(j.Teacher, j.Output); err != nil {
		return err
	}
	if err := j.teacher.Assign(j.Task); err != nil {
		return err
	}
	if j.set, err = j.teacher.open(ctx, j.Data, j.emit); err != nil {
		return err
	}
	if err := j.loadMore(ctx); err != nil {
		return err
	}
	if err := target.Encoding(j.Store).Check(j.teacher.width()); err != nil {
		return &UsageError{fmt.Errorf("--store: %w", err)}
	}
	if j.Eval.Path != "" {
		if j.eval, err = j.openEval(ctx); err != nil {
			return err
		}
	}
	j.train, j.held = data.Split(j.set.Len(), j.heldShare(), j.Seed)
	if j.Config.Student == "auto" {
		err = j.look(ctx, j.teacher.signature(j.set))
	} else {
		j.student, err = chooseStudent(ctx, &j.Config, j.teacher, j.set, j.train, j.emit)
	}
	if err != nil || j.student == nil {
		return err
	}
	return j.settle(ctx)
}

// settle writes down the job as it is to be once its student is known.
func (j *job) settle(ctx context.Context) error {
	j.Config.Student = j.student.Spec
	if err := j.anySize(ctx); err != nil {
		return err
	}
	if err := j.prepareInside(ctx); err != nil {
		return err
	}
	if err := j.applyRecipe(); err != nil {
		return err
	}
	if err := j.onlyClasses(); err != nil {
		return err
	}
	for i := range j.teacher.Answers {
		a := &j.teacher.Answers[i]
		if _, err := j.terms(a.kind(), i == 0); err != nil {
			return err
		}
		j.emit(Event{Kind: "note", Stage: "teacher", Message: "teacher " + j.Config.Teacher + ": " + a.note()})
	}
	j.emit(Event{Kind: "note", Stage: "student", Message: fmt.Sprintf("student %s: %d parameters", j.student.Spec, j.student.Model.Graph.Params())})
	b, err := yaml.Marshal(&j.Config)
	if err != nil {
		return err
	}
	return renameio.WriteFile(j.path("job.yaml"), b, 0o644)
}

// anySize refuses, before it is trained, a student that takes inputs of one size
// where the teacher takes others.
func (j *job) anySize(ctx context.Context) error {
	m, err := j.student.Export()
	if err != nil {
		return err
	}
	b, err := m.Encode()
	if err != nil {
		return err
	}
	checks, err := report.OtherSizes(ctx, j.teacher.File, b, j.dims(), j.Seed)
	if err != nil {
		return err
	}
	for _, c := range checks {
		if !c.OK() {
			return &onnx.Error{Path: j.teacher.Path, Err: fmt.Errorf("it takes inputs of other sizes than the data's, such as %v a sample, and student %s does not: choose one that reads any size, or fix the size in the teacher's file (%s)", c.Sizes, j.student.Spec, c.Error)}
		}
	}
	return nil
}

// dims are the shapes of one sample of each input.
func (j *job) dims() [][]int {
	var dims [][]int
	for i := range j.teacher.Model.Graph.DataInputs() {
		dims = append(dims, j.set.Dims(i))
	}
	return dims
}

// heldShare is the share of the samples that chooses the epoch. Few samples
// choose badly, and thousands more choose no better.
func (j *job) heldShare() float64 {
	if j.Held > 0 {
		return j.Held
	}
	n := j.set.Len()
	return float64(min(max(n/20, min(256, n/5)), 5000)) / float64(n)
}

// enoughEpochs are what Config.Epochs 0 stands for.
func enoughEpochs(samples, batch int) int {
	steps := max(samples/batch, 1)
	return min(max(20, (6000+steps-1)/steps), 300)
}

// distill gets the teacher's answers and trains the student on them.
func (j *job) distill(ctx context.Context) error {
	dir := j.targets()
	var skipped []string
	var err error
	if j.answers, skipped, err = target.Load(dir, j.identity(j.set), j.teacher.dims()); err != nil {
		return err
	}
	for _, s := range skipped {
		j.emit(Event{Kind: "warning", Stage: "label", Message: s + " answers for another teacher or preprocessing and is not used"})
	}
	had := j.answers.Len()
	j.emit(Event{Kind: "stage", Stage: "label", Message: fmt.Sprintf("the teacher answers %d samples (%d known), %d bytes each", j.set.Len(), had, j.answers.Bytes())})
	if err := j.answer(ctx, j.set, j.answers, all(j.set.Len())); err != nil {
		return err
	}
	if j.answers.Len() > had && j.Targets == "" {
		j.answers.Spill(dir)
		if err := j.answers.Flush(); err != nil {
			return err
		}
	}
	if h := j.answersHistogram(j.train); h != nil && h.Entropy < lopsided {
		j.emit(Event{Kind: "warning", Stage: "label", Message: fmt.Sprintf("the teacher's answers are lopsided: normalised entropy %.2f of the classes, below %.1f; rare classes may be learned badly", h.Entropy, lopsided)})
	}
	if j.student == nil {
		if err := j.halve(ctx); err != nil {
			return err
		}
		if err := j.settle(ctx); err != nil {
			return err
		}
	}
	c, err := j.objective(j.student)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(j.path("checkpoint"), 0o755); err != nil {
		return err
	}
	teacher, err := j.openTeacher(ctx)
	if err != nil {
		return err
	}
	if teacher != nil {
		defer teacher.session.Close()
	}
	if j.TrainPrecision == bf16 && !distill.FastBF16() {
		j.emit(Event{Kind: "note", Stage: "train", Message: "this processor has no instructions for bfloat16 (AVX512_BF16): --train-precision bf16 rounds and saves no time"})
	}
	j.emit(Event{Kind: "stage", Stage: "train", Message: fmt.Sprintf("training on %d samples, %d held out", len(j.train), len(j.held))})
	c.Inside, c.Taps, c.KeepLast = j.inside, j.taps, j.Control || j.set.HasLabels() || j.eval != nil && j.eval.HasLabels()
	c.Checkpoint, c.Resume = j.path(filepath.Join("checkpoint", "state")), j.Resume
	if j.trained, err = j.trainStudent(ctx, c, teacher); err != nil || !j.FixBias {
		return err
	}
	return j.fixBias(ctx)
}

// objective is a student and the losses on its answers.
func (j *job) objective(s *student.Student) (distill.Config, error) {
	heads, err := j.heads(s)
	return distill.Config{Student: s, Heads: heads}, err
}

// lopsided is the normalised entropy of the teacher's classes below which a
// transfer set is warned about.
const lopsided = 0.8

// answersHistogram counts the teacher's choices on samples, at all positions of the
// first answer; it is nil where that is not of classes.
func (j *job) answersHistogram(idx []int) *report.ClassHistogram {
	a := &j.teacher.Answers[0]
	if a.Task != rewrite.Classify {
		return nil
	}
	l := a.layout()
	counts := make([]int64, l.Classes)
	for _, i := range idx {
		row := j.answers.Row(j.set.Key(i))
		for k := range l.Answers() {
			counts[target.Choice(row[k*l.Classes:(k+1)*l.Classes])]++
		}
	}
	return report.Histogram(counts)
}

// finish writes the student beside its place, checks and measures that file, and
// moves it into place with its report.
func (j *job) finish(ctx context.Context) (*Result, error) {
	m, err := j.student.Export()
	if err != nil {
		return nil, err
	}
	for _, p := range [][2]string{
		{"kdcompress.version", Version()},
		{"kdcompress.teacher_sha256", j.teacher.SHA256},
		{"kdcompress.student", j.student.Spec},
		{"kdcompress.loss", j.losses()},
		{"kdcompress.epochs", strconv.Itoa(j.Epochs)},
		{"kdcompress.best_epoch", strconv.Itoa(j.trained.Best)},
		{"kdcompress.seed", strconv.FormatUint(j.Seed, 10)},
	} {
		m.SetProperty(p[0], p[1])
	}
	if m, err = j.shrink(ctx, m); err != nil {
		return nil, err
	}
	part := j.path(".student.onnx.unchecked")
	defer os.Remove(part)
	if err := onnx.Save(part, m); err != nil {
		return nil, err
	}
	written, file, err := onnx.Read(part)
	if err != nil {
		return nil, err
	}
	r, err := j.measure(ctx, file, written)
	if err != nil {
		return nil, err
	}
	if !r.Contract.OK {
		return nil, fmt.Errorf("the student does not keep the teacher's contract and was not written: %s", firstBreak(r.Contract))
	}
	path := j.path("student.onnx")
	if err := os.Rename(part, path); err != nil {
		return nil, err
	}
	if err := r.WriteJSON(j.path("report.json")); err != nil {
		return nil, err
	}
	if err := r.WriteHTML(j.path("report.html")); err != nil {
		return nil, err
	}
	missed := j.notTaken
	for _, b := range r.Budgets {
		if !b.OK {
			missed = append(missed, b.Name)
		}
	}
	result := &Result{Report: r, Student: path}
	if missed != nil {
		return result, &MissedError{Budgets: missed}
	}
	return result, nil
}

func firstBreak(c report.ContractResult) string {
	for _, d := range c.Differences {
		if d.Severity == report.Breaks {
			return d.Where + ": " + d.Text
		}
	}
	for _, x := range c.Runs {
		if !x.OK() && x.Batch == 0 { // it could not even be opened
			return x.Error
		}
		if !x.OK() && x.Sizes != nil {
			return fmt.Sprintf("the teacher takes inputs of other sizes, such as %v a sample, and the student does not: %s", x.Sizes, x.Error)
		}
		if !x.OK() {
			return fmt.Sprintf("a run at batch %d: %s", x.Batch, x.Error)
		}
	}
	return "unknown"
}

func all(n int) []int {
	idx := make([]int, n)
	for i := range idx {
		idx[i] = i
	}
	return idx
}
