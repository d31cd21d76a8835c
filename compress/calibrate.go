// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"fmt"
	"math"

	"github.com/kdcompress/kdcompress/compress/quant"
	"github.com/kdcompress/kdcompress/compress/report"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// normalised is the model with all weights in one list and nothing unused.
func normalised(f side) (*onnx.Model, error) {
	m, err := rewrite.Normalise(f.model)
	if err != nil {
		return nil, onnx.InFile(f.path, err)
	}
	return m, nil
}

const (
	// trying and correcting bound the samples that choose between ways to calibrate,
	// and those whose mean errors correct biases.
	trying, correcting = 256, 128
	// deepest is the number of layers beyond which correcting biases one after
	// another, and measuring layers one by one, would take too long.
	deepest = 150
)

// static makes the static int8 form: with the calibrator asked for or the one of
// least error, channels equalised and biases corrected where that lowers the
// error. Where it changes more answers than allowed, a second form keeps the layers
// in float that cost most.
func (s *shrinker) static(ctx context.Context, prepared *onnx.Model, feed quant.Feed) error {
	plan, err := quant.NewPlan(prepared, nil)
	if err == nil && len(plan.Layers) == 0 {
		err = fmt.Errorf("no layer that computes with integers: Conv, Gemm or MatMul with constant weights")
	}
	if err != nil {
		s.add(nameStatic, "", nil, err)
		return nil
	}
	seen, err := plan.Observe(ctx, feed)
	if err != nil {
		return onnx.InFile(s.float.path, err)
	}
	if seen.Bad > 0 {
		s.warn("%d values inside the model are not finite on the calibration samples", seen.Bad)
	}
	t := &trials{shrinker: s, feed: s.feed(s.calibrating[:min(trying, len(s.calibrating))]), least: math.Inf(1)}
	if t.want, err = s.outputs(ctx, s.float.file, t.feed); err != nil {
		return err
	}
	s.calibration = report.Calibration{Samples: len(s.calibrating), Tensors: len(plan.Observed())}
	if err := t.calibrators(ctx, plan, seen, ""); err != nil {
		return err
	}
	equal, n, err := quant.Equalise(prepared, seen)
	if err != nil {
		return onnx.InFile(s.float.path, err)
	}
	if n > 0 {
		plan, err := quant.NewPlan(equal, nil)
		if err != nil {
			return onnx.InFile(s.float.path, err)
		}
		if seen, err = plan.Observe(ctx, feed); err != nil {
			return onnx.InFile(s.float.path, err)
		}
		if err := t.calibrators(ctx, plan, seen, ", channels equalised"); err != nil {
			return err
		}
	}
	if err := t.correct(ctx); err != nil {
		return err
	}
	if err := t.adaround(ctx); err != nil {
		return err
	}
	for _, l := range plan.Float {
		s.layers = append(s.layers, report.LayerNote{Node: l.Node, Op: l.Op, Why: l.Why})
	}
	s.calibration.Method = t.method
	c := s.add(nameStatic, t.method, compact(t.model()), nil)
	c.Error = t.least
	if err := s.mixed(ctx, t, c); err != nil || s.train == nil {
		return err
	}
	m, note, err := s.train(ctx, t.plan, t.seen, t.opt)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		m = compact(m)
	}
	s.add(nameQAT, note, m, err)
	return nil
}

// compact stores as float16 what large tensors an int8 model holds in float.
func compact(m *onnx.Model) *onnx.Model {
	m, _ = quant.Storage(m, storedInInt8)
	return m
}

// trials looks for the static form of least error.
type trials struct {
	*shrinker
	feed   quant.Feed
	want   []float32 // the float model's outputs
	plan   *quant.Plan
	seen   *quant.Observation
	opt    quant.StaticOptions
	static *quant.Static
	least  float64
	method string
}

func (t *trials) model() *onnx.Model { return t.static.Model }

// calibrators tries the calibrators on a plan.
func (t *trials) calibrators(ctx context.Context, plan *quant.Plan, seen *quant.Observation, how string) error {
	list := quant.Calibrators()
	if t.Calibrate != "auto" {
		list = []*quant.Calibrator{quant.LookupCalibrator(t.Calibrate)}
	}
	for _, c := range list {
		opt := quant.StaticOptions{Calibrator: c, Integers: t.integers, Correct: true}
		m, err := plan.Static(seen, opt)
		if err != nil {
			return onnx.InFile(t.float.path, err)
		}
		e, err := t.error(ctx, m.Model)
		if err != nil {
			return err
		}
		t.calibration.Errors = append(t.calibration.Errors, report.Tried{Name: c.Name + how, Error: e})
		if t.static == nil || e < t.least {
			t.plan, t.seen, t.opt, t.static, t.least, t.method = plan, seen, opt, m, e, c.Name+how
		}
	}
	return nil
}

// error is what a form of the model costs on a part of the calibration samples.
func (t *trials) error(ctx context.Context, m *onnx.Model) (float64, error) {
	b, err := m.Encode()
	if err != nil {
		return 0, onnx.InFile(t.float.path, err)
	}
	got, err := t.outputs(ctx, b, t.feed)
	if err != nil {
		return 0, err
	}
	return outputError(t.want, got), nil
}

// correct takes mean errors out of the biases of the best form, and keeps that
// where it lowers the error.
func (t *trials) correct(ctx context.Context) error {
	m, err := t.plan.Static(t.seen, t.opt)
	if err != nil || len(t.plan.Layers) > deepest {
		return err
	}
	if err := m.CorrectBias(ctx, t.plan, t.shrinker.feed(t.calibrating[:min(correcting, len(t.calibrating))])); err != nil {
		return onnx.InFile(t.float.path, err)
	}
	e, err := t.error(ctx, m.Model)
	if err != nil || e >= t.least {
		return err
	}
	t.static, t.least, t.method = m, e, t.method+", biases corrected"
	t.calibration.Errors = append(t.calibration.Errors, report.Tried{Name: t.method, Error: e})
	return nil
}

// adaround rounds weights by what their layers give, where the best form changes more
// answers than allowed, and keeps that where it lowers the error on samples that did
// not calibrate.
func (t *trials) adaround(ctx context.Context) error {
	if len(t.plan.Layers) > deepest {
		return nil
	}
	drop, err := t.dropOf(ctx, t.model())
	if err != nil || drop <= margin*t.MaxDrop {
		return err
	}
	t.emit(Event{Kind: "stage", Stage: "calibrate", Message: fmt.Sprintf("int8 changes %.2f%% of the answers; rounding %d layers by what they give", 100*drop, len(t.plan.Layers))})
	m, err := t.plan.Static(t.seen, t.opt)
	if err != nil {
		return err
	}
	rounding, err := t.plan.AdaRound(ctx, m, t.shrinker.feed(t.calibrating))
	if err != nil {
		return onnx.InFile(t.float.path, err)
	}
	others := *t
	if len(t.others) >= fewestCalibrating {
		others.feed = t.shrinker.feed(t.others[:min(len(t.others), trying)])
		if others.want, err = t.outputs(ctx, t.float.file, others.feed); err != nil {
			return err
		}
	}
	before, err := others.error(ctx, t.model())
	if err != nil {
		return err
	}
	after, err := others.error(ctx, m.Model)
	if err != nil {
		return err
	}
	least, err := t.error(ctx, m.Model)
	if err != nil {
		return err
	}
	method := t.method + ", rounded by AdaRound"
	t.calibration.Errors = append(t.calibration.Errors, report.Tried{Name: method, Error: least})
	if after < before {
		t.static, t.least, t.method, t.opt.Rounding = m, least, method, rounding
	}
	return nil
}

// outputs are the model's floating-point outputs on the samples, one after another.
func (s *shrinker) outputs(ctx context.Context, file []byte, feed quant.Feed) ([]float32, error) {
	var names []string
	for _, v := range s.float.model.Graph.Outputs {
		if v.Type.IsFloat() || v.Type == onnx.Undefined {
			names = append(names, v.Name)
		}
	}
	var all []float32
	err := ort.Map(ctx, file, feed.Workers, 1, names, feed.Batches, feed.Fill, func(_ int, out []ort.Value) error {
		for _, v := range out {
			x, err := v.Float32s()
			if err != nil {
				return err
			}
			all = append(all, x...)
		}
		return nil
	})
	return all, err
}
