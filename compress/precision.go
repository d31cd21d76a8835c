// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"fmt"
	"math"

	"github.com/kdcompress/kdcompress/compress/report"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// shrink is the trained student in the number type that the configuration asks for,
// or in the best one that is measured. Samples that it was trained on calibrate,
// held-out ones choose and measure; agreement is with the teacher, and a loss is
// against the float student's.
func (j *job) shrink(ctx context.Context, m *onnx.Model) (*onnx.Model, error) {
	if err := j.noteRanges(m); err != nil {
		return nil, err
	}
	if j.Precision == fp32 {
		return m, nil
	}
	file, err := m.Encode()
	if err != nil {
		return nil, err
	}
	s := &shrinker{Shrink: j.Shrink, float: side{"the float student", file, m}, set: j.set, answers: []rewrite.Knowledge{j.teacher.Answers[0].Knowledge},
		seed: j.Seed, threads: j.Threads, maxSize: j.MaxSize, maxLatency: j.MaxLatency, emit: j.emit}
	s.reference = side{j.teacher.Path, j.teacher.File, j.teacher.Model}
	s.referenceWords = "the teacher"
	if j.QAT {
		s.train = j.trainRounded
	}
	s.calibrating = j.train[:min(len(j.train), s.Samples)]
	s.choosing, s.held = j.held, j.held
	if len(j.held) > 2*mostChoosing {
		s.choosing, s.held = j.held[:mostChoosing], j.held[mostChoosing:]
	}
	s.others = s.choosing
	if err := s.run(ctx); err != nil {
		return nil, err
	}
	j.precision = s.report()
	if !s.asked {
		j.notTaken = append(j.notTaken, notTaken(j.Precision))
	}
	j.emit(Event{Kind: "note", Stage: "quantize", Message: j.precision.Verdict})
	j.precision.Model = report.Describe("", file, m)
	return s.chosen.model, nil
}

// mostRanging bounds the samples whose range goes into a student's metadata.
const mostRanging = 1000

// noteRanges writes into the student's metadata on which range of numbers it was
// trained, so that it is not calibrated on others later.
func (j *job) noteRanges(m *onnx.Model) error {
	for i, v := range m.Graph.DataInputs() {
		if !v.Type.IsFloat() {
			continue
		}
		size := 1
		for _, d := range j.set.Dims(i) {
			size *= d
		}
		row := make([]float32, size)
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, at := range j.train[:min(len(j.train), mostRanging)] {
			if err := j.set.Batch(i, []int{at}, row); err != nil {
				return err
			}
			for _, x := range row {
				lo, hi = min(lo, float64(x)), max(hi, float64(x))
			}
		}
		m.SetProperty(rangeProperty+v.Name, fmt.Sprintf("%.6g %.6g", lo, hi))
	}
	return nil
}
