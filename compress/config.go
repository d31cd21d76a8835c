// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/compress/loss"
	"github.com/kdcompress/kdcompress/compress/target"
	"github.com/kdcompress/kdcompress/student"
	"github.com/kdcompress/kdcompress/student/cut"
)

// Config is a distillation to run. It is what job.yaml holds; running a resolved
// one again gives the same student, byte for byte, on the same kind of processor.
type Config struct {
	Teacher string `yaml:"teacher"`
	// More are teachers that answer together with Teacher; Weights are those of all,
	// equal if not given.
	More    []string  `yaml:"more_teachers,omitempty"`
	Weights []float64 `yaml:"teacher_weights,flow,omitempty"`
	Data    Data      `yaml:"data"`
	Eval    Data      `yaml:"eval,omitempty"` // an independent set for the report
	Out     string    `yaml:"out"`
	Output  string    `yaml:"output,omitempty"` // the teacher's output to learn first; "" finds it
	// Task says what the answers are, where the file does not or is to be overruled:
	// "" or "auto", a task for the first answer, or OUTPUT=TASK pairs.
	Task string `yaml:"task,omitempty"`

	Student     string  `yaml:"student"`      // "auto", an architecture or cuts of the teacher with options, or the path of a model
	Loss        string  `yaml:"loss"`         // as loss.Parse reads it; "auto" suits the task
	Temperature float64 `yaml:"temperature"`  // 0 is the loss's own
	LabelWeight float64 `yaml:"label_weight"` // of the cross-entropy with labels; 0 leaves them out of training
	// Feature and Relation are losses on tensors inside the models, as loss.Parse
	// reads them. Taps names those tensors, TEACHER:STUDENT each; none finds them.
	Feature  []string `yaml:"feature,omitempty"`
	Relation []string `yaml:"relation,omitempty"`
	Taps     []string `yaml:"taps,omitempty"`

	// Epochs is the times over the samples. 0 is 20, or as many more as make
	// 6,000 steps, at most 300: few samples need more rounds.
	Epochs int     `yaml:"epochs"`
	Batch  int     `yaml:"batch"`
	Rate   float64 `yaml:"lr"`
	Warmup float64 `yaml:"warmup"` // share of all steps
	Clip   float64 `yaml:"clip"`
	Decay  float64 `yaml:"weight_decay"`
	// Held is the share of the samples that chooses the epoch. 0 is a twentieth,
	// at least 256 samples or a fifth of all, at most 5,000.
	Held float64 `yaml:"held_out"`
	// Optimizer is "adamw" ("") or "sgd", with Nesterov's momentum of 0.9. Average is
	// the share of the past in a moving average of the weights, which is then the
	// student; 0 takes the weights themselves.
	Optimizer string  `yaml:"optimizer,omitempty"`
	Average   float64 `yaml:"average,omitempty"`
	// TrainPrecision is "fp32" ("") or "bf16", which rounds the operands of products
	// with weights to bfloat16; sums, weights and everything else stay float32.
	TrainPrecision string `yaml:"train_precision,omitempty"`
	// Recipe is a preset for Epochs and Augment where they are left open.
	Recipe string `yaml:"recipe,omitempty"`
	// Augment changes the samples, for teacher and student alike, as
	// data.ParseAugment reads it; "none" overrules the recipe.
	Augment string `yaml:"augment,omitempty"`
	// Views is how many views of a sample are answered once and kept; 0 makes
	// another one in every epoch, which the teacher answers as it comes.
	Views int `yaml:"views,omitempty"`
	// Store is the encoding of the answers kept: see target.Encoding.
	Store string `yaml:"store,omitempty"`
	// Balance shows every class that the teacher chooses equally often.
	Balance bool `yaml:"balance,omitempty"`
	// FixBias fits the class biases after training, on BiasData: unlabelled inputs
	// drawn as in use, by default the held-out samples.
	FixBias  bool   `yaml:"fix_bias,omitempty"`
	BiasData string `yaml:"bias_data,omitempty"`
	// Control trains the same student without distillation too and reports the
	// difference; Seeds repeats both from so many seeds.
	Control bool `yaml:"control,omitempty"`
	Seeds   int  `yaml:"seeds,omitempty"`

	Seed uint64 `yaml:"seed"`
	// Shards are the parts of a batch that can run beside each other. The result depends on
	// them and not on how many processors do: the same job gives the same bytes on machines
	// of one kind with any number of them. More than Shards processors are not used.
	Shards int `yaml:"shards"`
	// Threads run the teacher. They do not change the result.
	Threads int `yaml:"threads"`

	// Shrink is what becomes of the trained student; Precision "fp32" leaves it.
	Shrink `yaml:",inline"`

	MaxSize      Bytes   `yaml:"max_size,omitempty"`
	MaxLatency   float64 `yaml:"max_latency_ms,omitempty"` // median at batch 1 on one thread
	MinAgreement float64 `yaml:"min_agreement,omitempty"`

	// Targets is a folder of answers made by Label; "" keeps them under Out.
	Targets string `yaml:"targets,omitempty"`
	// Library is the ONNX Runtime library; "" looks for it.
	Library string `yaml:"-"`
	Resume  bool   `yaml:"-"`
	// Command is the command line, for the report.
	Command string `yaml:"-"`
}

// Data says where samples are and how they are read; see data.Options.
type Data struct {
	Path     string    `yaml:"path,omitempty"`
	Format   string    `yaml:"format,omitempty"`
	Labels   string    `yaml:"labels,omitempty"`
	Scale    float64   `yaml:"scale,omitempty"`
	Mean     []float64 `yaml:"mean,flow,omitempty"`
	Std      []float64 `yaml:"std,flow,omitempty"`
	Height   int       `yaml:"height,omitempty"`
	Width    int       `yaml:"width,omitempty"`
	Layout   string    `yaml:"layout,omitempty"`
	Channels string    `yaml:"channels,omitempty"`
	Columns  []string  `yaml:"columns,flow,omitempty"`
	Skip     []string  `yaml:"skip,flow,omitempty"`
	Limit    int       `yaml:"limit,omitempty"`
	MaxBad   float64   `yaml:"max_bad,omitempty"`
}

func (d Data) options() data.Options {
	return data.Options{Format: d.Format, Labels: d.Labels, Scale: d.Scale, Mean: d.Mean, Std: d.Std, Size: [2]int{d.Height, d.Width},
		Layout: d.Layout, Channels: d.Channels, Columns: d.Columns, Skip: d.Skip, Limit: d.Limit, MaxBad: d.MaxBad}
}

// Default is a configuration that lacks only Teacher, Data and Out.
func Default() Config {
	return Config{Student: "auto", Loss: "auto", Batch: 128, Rate: 2e-3, Warmup: 0.05, Clip: 1,
		Decay: 1e-4, Seed: 1, Shards: 4, Threads: runtime.NumCPU(), Shrink: shrinkTo(fp32)}
}

// ReadJob reads a job file over the defaults. Unknown fields are errors.
func ReadJob(path string) (Config, error) {
	c := Default()
	b, err := os.ReadFile(path)
	if err != nil {
		return c, err
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return c, fmt.Errorf("%s: %s", path, strings.Join(strings.Fields(err.Error()), " "))
	}
	return c, nil
}

// UsageError is a configuration that cannot be run, whatever the files hold.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *UsageError) Unwrap() error { return e.Err }

func usage(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }

// Check says what is wrong with the configuration, before any work. Its errors
// are UsageErrors.
func (c *Config) Check() error {
	switch {
	case c.Teacher == "":
		return usage("no teacher: give --teacher MODEL.onnx")
	case c.Data.Path == "":
		return usage("no data: give --data with unlabelled inputs")
	case c.Out == "":
		return usage("no output folder: give --out DIR")
	case c.Epochs < 0:
		return usage("%d epochs: give at least 1, or 0 to let the number of samples decide", c.Epochs)
	case c.Batch < 1:
		return usage("a batch of %d: give at least 1", c.Batch)
	case !(c.Rate > 0) || math.IsInf(c.Rate, 0):
		return usage("a learning rate of %g is not a positive number", c.Rate)
	case !(c.Temperature >= 0) || math.IsInf(c.Temperature, 0):
		return usage("a temperature of %g is not a positive number", c.Temperature)
	case !(c.Warmup >= 0 && c.Warmup < 1):
		return usage("a warm-up of %g is not a share below 1", c.Warmup)
	case !(c.Clip >= 0) || !(c.Decay >= 0) || !(c.LabelWeight >= 0):
		return usage("clip, weight decay and label weight cannot be negative")
	case !(c.Held >= 0 && c.Held < 1):
		return usage("a held-out share of %g is not between 0 and 1", c.Held)
	case c.Shards < 1 || c.Threads < 1:
		return usage("shards and threads must be at least 1")
	case !(c.MinAgreement >= 0 && c.MinAgreement <= 1):
		return usage("a smallest agreement of %g is not a share", c.MinAgreement)
	case !(c.MaxLatency >= 0) || c.MaxSize < 0:
		return usage("budgets cannot be negative")
	case c.Seeds < 0 || c.Seeds > 1 && !c.Control:
		return usage("%d seeds: --seeds repeats --control, from 1 seed on", c.Seeds)
	case c.Optimizer != "" && c.Optimizer != "adamw" && c.Optimizer != "sgd":
		return usage("no optimizer %q; there are adamw and sgd", c.Optimizer)
	case c.TrainPrecision != "" && c.TrainPrecision != fp32 && c.TrainPrecision != bf16:
		return usage("no training precision %q; there are %s and %s", c.TrainPrecision, fp32, bf16)
	case !(c.Average >= 0 && c.Average < 1):
		return usage("an average that keeps %g of the past: give a share below 1, such as 0.999", c.Average)
	case c.Views < 0:
		return usage("%d views: give 0 or more", c.Views)
	case c.Weights != nil && len(c.Weights) != len(c.More)+1:
		return usage("%d weights for %d teachers", len(c.Weights), len(c.More)+1)
	case slices.ContainsFunc(c.Weights, func(w float64) bool { return !(w > 0) || math.IsInf(w, 0) }):
		return usage("weights of teachers must be above 0")
	case c.Recipe != "" && !slices.Contains(recipeNames(), c.Recipe):
		return usage("no recipe %q; there are %s", c.Recipe, strings.Join(recipeNames(), ", "))
	case c.BiasData != "" && !c.FixBias:
		return usage("--bias-data serves --fix-bias alone")
	case c.LabelWeight > 0 && c.Data.Labels == "":
		return usage("a label weight needs labels: give --labels")
	case c.Loss == "ce" && c.Data.Labels == "":
		return usage("loss ce needs labels: give --labels, or take loss hard, which learns the teacher's choices")
	}
	if err := c.checkLoss(); err != nil {
		return &UsageError{err}
	}
	if _, _, err := parseTasks(c.Task); err != nil {
		return &UsageError{err}
	}
	if c.Precision != fp32 {
		if err := c.Shrink.check(); err != nil {
			return err
		}
	}
	if _, err := c.insideLosses(); err != nil {
		return &UsageError{err}
	}
	augment, err := data.ParseAugment(c.Augment)
	if err != nil {
		return &UsageError{err}
	}
	if c.More != nil && (len(c.Feature)+len(c.Relation) > 0 || augment != (data.Augment{}) || c.Recipe != "" && c.Recipe != "quick") {
		return usage("several teachers answer together beforehand: they go with samples as they are and losses on their answers alone")
	}
	if err := target.Encoding(c.Store).Check(math.MaxUint16); err != nil {
		return &UsageError{fmt.Errorf("--store: %w", err)}
	}
	switch {
	case c.Student == "auto" || isModelFile(c.Student):
	case cut.Is(c.Student):
		if _, err := cut.Parse(c.Student); err != nil {
			return &UsageError{err}
		}
	default:
		if _, err := student.ParseSpec(c.Student); err != nil {
			return &UsageError{err}
		}
	}
	for _, d := range []Data{c.Data, c.Eval} {
		if err := d.options().Check(); err != nil {
			return &UsageError{err}
		}
	}
	return nil
}

// Losses describes the losses of a family, a line each: "" are those on the
// teacher's answers, "feature" and "relation" those on tensors inside the models.
func Losses(family string) []string {
	var lines []string
	for _, l := range loss.All() {
		if l.Family != map[string]loss.Family{"feature": loss.Feature, "relation": loss.Relation}[family] {
			continue
		}
		line := fmt.Sprintf("%-10s %s", l.Name, l.Summary)
		var params []string
		for _, p := range l.Params {
			params = append(params, fmt.Sprintf("%s %g", p.Name, p.Default))
		}
		if params != nil {
			line += " (" + strings.Join(params, ", ") + ")"
		}
		lines = append(lines, line)
	}
	return lines
}

func isModelFile(s string) bool { return strings.EqualFold(filepath.Ext(s), ".onnx") }

// Bytes is a size, written "500kB", "2MB", "1.5MiB" or as a plain number.
type Bytes int64

// ParseBytes reads a size. kB, MB and GB are powers of 1000, KiB, MiB and GiB of
// 1024, in small letters or capitals.
func ParseBytes(s string) (Bytes, error) {
	number := strings.TrimRight(s, "kKmMgGiIbB ")
	unit := strings.ToLower(strings.TrimSpace(s[len(number):]))
	scale, ok := map[string]float64{"": 1, "b": 1, "kb": 1e3, "k": 1e3, "mb": 1e6, "m": 1e6, "gb": 1e9, "g": 1e9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}[unit]
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !ok || !(v >= 0) || v*scale > math.MaxInt64/2 {
		return 0, fmt.Errorf("%q is not a size such as 500kB or 2MB", s)
	}
	return Bytes(v * scale), nil
}

// Set and Type make Bytes a command-line flag.
func (b *Bytes) Set(s string) error {
	v, err := ParseBytes(s)
	*b = v
	return err
}

// Type names the kind of value in a help text.
func (b *Bytes) Type() string { return "size" }

// String writes the size so that ParseBytes reads it back.
func (b Bytes) String() string {
	if b == 0 {
		return ""
	}
	return strconv.FormatInt(int64(b), 10)
}

// UnmarshalYAML reads a size from a job file.
func (b *Bytes) UnmarshalYAML(n *yaml.Node) error { return b.Set(n.Value) }

// MarshalYAML writes a size to a job file.
func (b Bytes) MarshalYAML() (any, error) { return int64(b), nil }
