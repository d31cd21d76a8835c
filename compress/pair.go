// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"fmt"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/compress/report"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// side is one of two models: its path, its bytes and what they decode to.
type side struct {
	path  string
	file  []byte
	model *onnx.Model
}

func loadSide(path string) (side, error) {
	m, file, err := onnx.Read(path)
	return side{path, file, m}, err
}

// pair is two models to hold against each other.
type pair struct {
	teacher, student side
	answers          []rewrite.Knowledge // the teacher's outputs that are compared
	dims             [][]int             // of one sample of each input
	seed             uint64
	threads          int
}

// interfaces compares what clients see and tries the student's runs.
func (p pair) interfaces(ctx context.Context) (*report.Report, error) {
	r := &report.Report{
		Teacher:  report.Describe(p.teacher.path, p.teacher.file, p.teacher.model),
		Student:  report.Describe(p.student.path, p.student.file, p.student.model),
		Versions: report.Here(Version()),
	}
	runs, err := report.Runs(ctx, p.student.file, p.dims, p.seed)
	if err != nil {
		return nil, err
	}
	sizes, err := report.OtherSizes(ctx, p.teacher.file, p.student.file, p.dims, p.seed)
	if err != nil {
		return nil, err
	}
	runs = append(runs, sizes...)
	r.SetContract(report.Contract(p.teacher.model, p.student.model), runs)
	return r, nil
}

// speed counts multiply-adds and times both models in turn.
func (p pair) speed(ctx context.Context, r *report.Report) error {
	for _, s := range []struct {
		side side
		into *report.Model
	}{{p.teacher, &r.Teacher}, {p.student, &r.Student}} {
		macs, err := report.MACs(ctx, s.side.model, p.dims)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			r.Warnings = append(r.Warnings, fmt.Sprintf("%s: %v", s.side.path, err))
			continue
		}
		s.into.MACs = &macs.Total
	}
	lat, err := report.Latency(ctx, p.teacher.file, p.student.file, report.LatencyOptions{Batch: p.batch(), Seed: p.seed, Dims: p.dims})
	if err != nil {
		return err
	}
	r.SetLatency(lat)
	r.SetRatios()
	if lat.Short {
		r.Warnings = append(r.Warnings, fmt.Sprintf("latency: only %d runs of each model in the time given", lat.A.Runs))
	}
	return nil
}

// batch is the number of samples the models are timed with: one, or what the
// teacher declares.
func (p pair) batch() int {
	for _, v := range p.teacher.model.Graph.DataInputs() {
		if len(v.Dims) > 0 && v.Dims[0].Size > 1 {
			return int(v.Dims[0].Size)
		}
	}
	return 1
}

// compare runs both models over samples and compares every answer; idx nil is all
// of them. The accuracy is that of the first answer.
func (p pair) compare(ctx context.Context, set *data.Set, idx []int, name string, chose bool) (sets []report.Fidelity, accuracy *report.Accuracy, err error) {
	for i, k := range p.answers {
		axis := max(k.Axis, 0)
		ts, err := scoresOf(p.teacher.model, k.Output, k.Task)
		if err != nil {
			return nil, nil, onnx.InFile(p.teacher.path, err)
		}
		ss, err := scoresOf(p.student.model, k.Output, k.Task)
		if err != nil {
			return nil, nil, onnx.InFile(p.student.path, err)
		}
		if ts == report.ClassIDs {
			axis = 0
		}
		if k.Kind == rewrite.KindProbabilities {
			for _, s := range []*report.Scores{&ts, &ss} {
				if *s == report.Logits {
					*s = report.Probabilities
				}
			}
		}
		f, a, err := report.Compare(ctx, report.CompareConfig{
			Teacher: report.Side{Path: p.teacher.path, Model: p.teacher.file, Output: k.Output, Scores: ts, Axis: axis},
			Student: report.Side{Path: p.student.path, Model: p.student.file, Output: k.Output, Scores: ss, Axis: axis},
			Task:    k.Task, Set: set, Index: idx, Name: name, ChoseEpoch: chose, Workers: p.threads,
		})
		if err != nil {
			return nil, nil, err
		}
		if len(p.answers) > 1 {
			f.Output = k.Output
		}
		if i == 0 {
			accuracy = a
		}
		sets = append(sets, f)
	}
	return sets, accuracy, nil
}

// scoresOf tells what an output holds, given its task: labels are probabilities
// where a sigmoid closes the model, and decisions where the output is no
// floating-point number.
func scoresOf(m *onnx.Model, output string, task rewrite.Task) (report.Scores, error) {
	s, err := report.ScoresOf(m, output)
	if err != nil || task != rewrite.Multilabel || s == report.ClassIDs {
		return s, err
	}
	k, err := rewrite.FindKnowledge(m, output)
	if err != nil {
		return s, err
	}
	for _, n := range k.Closing {
		switch n.OpType {
		case "Greater", "GreaterOrEqual", "Less", "LessOrEqual":
			return report.ClassIDs, nil
		}
	}
	if len(k.Closing) > 0 {
		return report.Probabilities, nil
	}
	return report.Logits, nil
}
