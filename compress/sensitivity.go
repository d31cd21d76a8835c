// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"fmt"

	"github.com/kdcompress/kdcompress/compress/quant"
	"github.com/kdcompress/kdcompress/compress/report"
	"github.com/kdcompress/kdcompress/onnx"
)

// margin is the share of the allowed drop that the choice of layers aims at: it is
// made on samples, and the measure is taken on others.
const margin = 0.7

// mixed adds a static form that keeps layers in float where the whole one, static,
// changes more answers than allowed: those whose rounding alone costs most, as few
// as it takes, at most half of them.
func (s *shrinker) mixed(ctx context.Context, t *trials, static *form) error {
	layers := len(t.plan.Layers)
	if layers < 2 || layers > deepest {
		return nil
	}
	drop, err := s.drop(ctx, static)
	if err != nil || drop <= s.MaxDrop {
		return err
	}
	s.emit(Event{Kind: "stage", Stage: "sensitivity", Message: fmt.Sprintf("int8 changes %.2f%% of the answers; measuring %d layers one by one", 100*drop, layers)})
	worst, err := t.plan.Sensitivity(ctx, t.seen, t.opt, func(m *onnx.Model) (float64, error) { return t.error(ctx, m) })
	if err != nil {
		return onnx.InFile(s.float.path, err)
	}
	keep := map[string]bool{}
	var last *onnx.Model
	for kept := 0; 2*kept < layers; {
		// One more at a time, later a quarter more.
		for range 1 + kept/4 {
			keep[worst[kept].Node] = true
			kept++
		}
		m, err := s.keeping(ctx, t, keep)
		if err != nil {
			return err
		}
		last = m
		if drop, err = s.dropOf(ctx, m); err != nil {
			return err
		}
		if drop <= margin*s.MaxDrop {
			break
		}
	}
	var names []report.LayerNote
	for _, l := range worst {
		if keep[l.Node] {
			names = append(names, report.LayerNote{Node: l.Node, Op: l.Op, Why: "in int8 mixed, since its rounding costs most", Error: l.Error})
		}
	}
	s.layers = append(s.layers, names...)
	c := s.add(nameMixed, fmt.Sprintf("%s, %d of %d layers in float", t.method, len(names), layers), last, nil)
	c.Error, err = t.error(ctx, last)
	return err
}

// keeping is the best static form with the named layers in float.
func (s *shrinker) keeping(ctx context.Context, t *trials, keep map[string]bool) (*onnx.Model, error) {
	plan, err := quant.NewPlan(t.plan.Model, keep)
	if err != nil {
		return nil, onnx.InFile(s.float.path, err)
	}
	m, err := plan.Static(t.seen, t.opt)
	if err == nil {
		err = m.CorrectBias(ctx, plan, s.feed(s.calibrating[:min(correcting, len(s.calibrating))]))
	}
	if err != nil {
		return nil, onnx.InFile(s.float.path, err)
	}
	return compact(m.Model), nil
}

// dropOf is the share of answers that a model loses.
func (s *shrinker) dropOf(ctx context.Context, m *onnx.Model) (float64, error) {
	file, err := m.Encode()
	if err != nil {
		return 0, err
	}
	return s.drop(ctx, &form{model: m, file: file})
}

// drop is the share of answers that a form loses, on the samples that choose.
func (s *shrinker) drop(ctx context.Context, c *form) (float64, error) {
	if !s.classes {
		feed := s.feed(s.calibrating)
		if s.floatOutputs == nil {
			var err error
			if s.floatOutputs, err = s.outputs(ctx, s.float.file, feed); err != nil {
				return 0, err
			}
		}
		got, err := s.outputs(ctx, c.file, feed)
		if err != nil {
			return 0, err
		}
		return outputError(s.floatOutputs, got), nil
	}
	p := pair{teacher: s.reference, answers: s.answers, dims: s.dims(), seed: s.seed, threads: s.threads}
	if s.floatAgreement == 0 {
		s.floatAgreement = 1
		if s.reference.path != s.float.path {
			p.student = s.float
			f, _, err := p.compare(ctx, s.set, s.choosing, "", false)
			if err != nil {
				return 0, err
			}
			s.floatAgreement = f[0].Agreement
		}
	}
	p.student = side{path: s.float.path + " as " + nameStatic, file: c.file, model: c.model}
	f, _, err := p.compare(ctx, s.set, s.choosing, "", false)
	if err != nil {
		return 0, err
	}
	return s.floatAgreement - f[0].Agreement, nil
}
