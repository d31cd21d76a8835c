// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"encoding/json"
	"path/filepath"
	"time"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/compress/distill"
	"github.com/kdcompress/kdcompress/compress/report"
	"github.com/kdcompress/kdcompress/onnx"
)

// measure compares the written student with its teacher: contract, size,
// latency, agreement.
func (j *job) measure(ctx context.Context, file []byte, m *onnx.Model) (*report.Report, error) {
	j.emit(Event{Kind: "stage", Stage: "measure", Message: "measuring the written file against the teacher"})
	p := pair{
		teacher: side{j.teacher.Path, j.teacher.File, j.teacher.Model},
		student: side{j.path("student.onnx"), file, m},
		dims:    j.dims(), seed: j.Seed, threads: j.Threads,
	}
	for _, a := range j.teacher.Answers {
		p.answers = append(p.answers, a.Knowledge)
	}
	r, err := p.interfaces(ctx)
	if err != nil || !r.Contract.OK {
		return r, err
	}
	if err := p.speed(ctx, r); err != nil {
		return nil, err
	}
	held, accuracy, err := p.compare(ctx, j.set, j.held, "held out of "+filepath.Base(j.Data.Path), true)
	if err != nil {
		return nil, err
	}
	sets := held
	if j.eval != nil {
		var more []report.Fidelity
		if more, accuracy, err = p.compare(ctx, j.eval, nil, filepath.Base(j.Eval.Path), false); err != nil {
			return nil, err
		}
		sets = append(more, held...)
	}
	r.Fidelity, r.FidelitySets, r.Accuracy = sets[0], sets[1:], accuracy
	if err := j.lastEpoch(ctx, r.Accuracy); err != nil {
		return nil, err
	}
	r.Training = &report.Training{Epochs: j.Epochs, BestEpoch: j.trained.Best, SelectedOn: held[0].Set, Measure: held[0].Measure}
	for _, e := range j.trained.Curve {
		r.Training.Curve = append(r.Training.Curve, report.CurvePoint{Epoch: e.Epoch, Loss: e.Loss, Agreement: e.Agreement, KL: e.KL, LR: e.Rate, Seconds: e.Seconds})
	}
	r.Transfer = &report.Transfer{Source: j.Data.Path, Samples: len(j.train), Classes: j.answersHistogram(j.train), Preprocessing: j.set.Preprocessing()}
	if j.Control {
		if r.Proof, err = j.prove(ctx); err != nil {
			return nil, err
		}
	}
	if j.search != nil {
		r.Candidates = j.search.Candidates
	}
	r.Budgets, r.Precision = j.budgets(r), j.precision
	r.Command, r.Seed = j.Command, j.Seed
	if r.Config, err = json.Marshal(j.Config); err != nil {
		return nil, err
	}
	r.Warnings = append(r.Warnings, j.warnings...)
	r.DurationS = time.Since(j.began).Seconds()
	return r, nil
}

// lastEpoch adds the accuracy of the student of the last epoch, which a choice of
// epochs cannot flatter.
func (j *job) lastEpoch(ctx context.Context, a *report.Accuracy) error {
	if a == nil || j.trained.Last == nil {
		return nil
	}
	set, idx := j.set, j.held
	if j.eval != nil {
		set, idx = j.eval, all(j.eval.Len())
	}
	choices, err := distill.Choices(ctx, j.trained.Last, set, idx, j.Shards)
	if err != nil {
		return err
	}
	var right []bool
	for k, i := range idx {
		label, _ := set.Label(i)
		right = append(right, choices[k] == label)
	}
	rate := report.Rate(right)
	a.StudentLast = &rate
	return nil
}

// openEval reads the independent samples, preprocessed as the transfer set.
func (j *job) openEval(ctx context.Context) (*data.Set, error) {
	wants, err := j.teacher.Wants()
	if err != nil {
		return nil, err
	}
	d := j.Data
	d.Path, d.Labels, d.Limit = j.Eval.Path, j.Eval.Labels, j.Eval.Limit
	return data.Open(ctx, d.Path, wants, d.options())
}

// budgets holds what was asked for against what was got.
func (j *job) budgets(r *report.Report) []report.Budget {
	list := costBudgets(j.MaxSize, j.MaxLatency, r.Student.Bytes, r.Student.Latency.P50)
	if j.MinAgreement > 0 {
		list = append(list, report.Budget{Name: "min-agreement", Bound: "at least", Wanted: j.MinAgreement, Got: r.Fidelity.Agreement,
			OK: r.Fidelity.Agreement >= j.MinAgreement})
	}
	return list
}

// costBudgets holds what a model takes against the budgets that are set, those above 0.
func costBudgets(maxSize Bytes, maxLatency float64, bytes int64, latency float64) []report.Budget {
	var list []report.Budget
	if maxSize > 0 {
		list = append(list, report.Budget{Name: "max-size", Bound: "at most", Wanted: float64(maxSize), Got: float64(bytes),
			Unit: "bytes", OK: bytes <= int64(maxSize)})
	}
	if maxLatency > 0 {
		list = append(list, report.Budget{Name: "max-latency", Bound: "at most", Wanted: maxLatency, Got: latency,
			Unit: "ms", OK: latency <= maxLatency})
	}
	return list
}
