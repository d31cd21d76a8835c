// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/kdcompress/kdcompress/compress/quant"
	"github.com/kdcompress/kdcompress/compress/report"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// QuantizeConfig asks for a float model in smaller number types.
type QuantizeConfig struct {
	Model  string
	Data   Data
	Out    string // the file to write
	Output string // the output whose answers are compared; "" finds it
	Shrink
	// Keep is a folder that receives every form, "" for none.
	Keep       string
	MaxSize    Bytes
	MaxLatency float64
	Seed       uint64
	Threads    int
	Library    string
	Command    string
}

// DefaultQuantize is a configuration that lacks only Model, Data and Out.
func DefaultQuantize() QuantizeConfig {
	d := Default()
	return QuantizeConfig{Seed: d.Seed, Threads: d.Threads, Shrink: shrinkTo("auto")}
}

// Check says what is wrong with the configuration, before any work.
func (c *QuantizeConfig) Check() error {
	switch {
	case c.Model == "":
		return usage("no model: give MODEL.onnx")
	case c.Data.Path == "":
		return usage("no data: give --data with unlabelled inputs, which calibrate and measure")
	case c.Out == "":
		return usage("no output file: give --out FILE.onnx")
	case c.Threads < 1:
		return usage("threads must be at least 1")
	case !(c.MaxLatency >= 0) || c.MaxSize < 0:
		return usage("budgets cannot be negative")
	}
	if sameFile(c.Model, c.Out) {
		return usage("--out %s is the model itself", c.Out)
	}
	if err := c.Shrink.check(); err != nil {
		return err
	}
	if err := c.Data.options().Check(); err != nil {
		return &UsageError{err}
	}
	return nil
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// answersOf are the answers that a model gives, as far as its file tells; none where
// it tells nothing.
func answersOf(path, output string) []rewrite.Knowledge {
	t, err := LoadTeacher(path, output)
	if err != nil {
		return nil
	}
	return []rewrite.Knowledge{t.Answers[0].Knowledge}
}

// Quantize makes a model smaller and writes the best form of it, held against the
// model itself: the file appears whole, once it has been checked, or not at all. A
// form that was asked for and is slower or worse here is not written, the best
// other one is, and the error is a *MissedError beside the result; so it is with a
// missed budget.
func Quantize(ctx context.Context, c QuantizeConfig, emit func(Event)) (*report.Precision, error) {
	began := time.Now()
	if err := c.Check(); err != nil {
		return nil, err
	}
	if emit == nil {
		emit = func(Event) {}
	}
	if err := startRuntime(c.Library); err != nil {
		return nil, err
	}
	if err := writable(filepath.Dir(c.Out)); err != nil {
		return nil, err
	}
	float, err := loadSide(c.Model)
	if err != nil {
		return nil, err
	}
	t := &Teacher{Path: c.Model, Model: float.model}
	set, err := t.samples(ctx, c.Data, emit)
	if err != nil {
		return nil, err
	}
	defer set.Close()
	s := &shrinker{Shrink: c.Shrink, float: float, set: set, answers: answersOf(c.Model, c.Output), seed: c.Seed, threads: c.Threads,
		maxSize: c.MaxSize, maxLatency: c.MaxLatency, emit: emit}
	s.split(set.Len())
	if err := s.run(ctx); err != nil {
		return nil, err
	}
	if c.Keep != "" {
		if err := s.keep(c.Keep); err != nil {
			return nil, err
		}
	}
	part := filepath.Join(filepath.Dir(c.Out), "."+filepath.Base(c.Out)+".unchecked")
	defer os.Remove(part)
	if err := onnx.Save(part, s.chosen.model); err != nil {
		return nil, err
	}
	written, err := loadSide(part)
	if err != nil {
		return nil, err
	}
	p := pair{teacher: float, student: written, dims: s.dims(), seed: c.Seed, threads: c.Threads}
	r, err := p.interfaces(ctx)
	if err != nil {
		return nil, err
	}
	if !r.Contract.OK {
		return nil, fmt.Errorf("%s does not keep the contract of %s and was not written: %s", s.chosen.Name, c.Model, firstBreak(r.Contract))
	}
	if err := os.Rename(part, c.Out); err != nil {
		return nil, err
	}
	out := s.report()
	out.Model, out.Contract, out.Out, out.Command, out.Seed = r.Teacher, r.Contract, c.Out, c.Command, c.Seed
	out.Model.Latency = out.Forms[0].Latency
	out.Versions, out.DurationS = report.Here(Version()), time.Since(began).Seconds()
	if missed := s.missed(); missed != nil {
		return out, &MissedError{Budgets: missed, Of: c.Out}
	}
	return out, nil
}

// Calibrators describes the calibrators, a line each.
func Calibrators() []string {
	var lines []string
	for _, c := range quant.Calibrators() {
		lines = append(lines, fmt.Sprintf("%-10s %s", c.Name, c.Summary))
	}
	return lines
}
