// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"fmt"
	"strconv"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student"
	"github.com/kdcompress/kdcompress/student/cut"
)

// defaultShare of the teacher's bytes is what a student may have where no size
// is asked for.
const defaultShare = 10

// chooseStudent builds the student the configuration asks for. A cut one is fitted
// to samples of train.
func chooseStudent(ctx context.Context, c *Config, t *Teacher, set *data.Set, train []int, emit func(Event)) (*student.Student, error) {
	sig := student.Signature{Teacher: t.Model, Knowledge: t.Knowledge, Logits: t.Logits}
	for i := range t.Model.Graph.DataInputs() {
		sig.Inputs = append(sig.Inputs, set.Dims(i))
	}
	// Closing nodes and their constants are those of the normalised graph, the
	// interface is the file's.
	normal := t.normal.Clone()
	normal.IRVersion = t.Model.IRVersion
	normal.Graph.Inputs, normal.Graph.Outputs = t.Model.Graph.DataInputs(), t.Model.Graph.Outputs
	sig.Teacher = normal
	if isModelFile(c.Student) {
		m, err := onnx.Load(c.Student)
		if err != nil {
			return nil, err
		}
		return student.FromModel(sig, m, c.Student)
	}
	if cut.Is(c.Student) {
		return cutStudent(ctx, c, t, sig, set, train, emit)
	}
	if c.Student != "auto" {
		spec, err := student.ParseSpec(c.Student)
		if err != nil {
			return nil, err
		}
		s, err := student.Build(sig, spec, c.Seed)
		if err != nil {
			return nil, onnx.InFile(t.Path, err)
		}
		return s, nil
	}
	limit := int64(len(t.File)) / defaultShare
	why := fmt.Sprintf("a tenth of the teacher's %d bytes", len(t.File))
	if c.MaxSize > 0 {
		limit, why = int64(c.MaxSize), "the size asked for"
	}
	s, size, err := largest(sig, c.Seed, limit)
	if err != nil {
		return nil, onnx.InFile(t.Path, err)
	}
	if size > limit {
		emit(Event{Kind: "warning", Stage: "student", Message: fmt.Sprintf("the smallest student has %d bytes, more than %s; there is little to be won here", size, why)})
	}
	emit(Event{Kind: "note", Stage: "student", Message: fmt.Sprintf("chose %s, %d bytes: the largest within %s", s.Spec, size, why)})
	return s, nil
}

// largest builds the widest student of the first architecture that fits the
// inputs whose file has at most limit bytes, or the narrowest there is. Widths
// are multiples of 8, as vector units want them.
func largest(sig student.Signature, seed uint64, limit int64) (*student.Student, int64, error) {
	arch := "convnet"
	if student.Lookup(arch).Fits(sig.Reads()) != nil {
		arch = "mlp"
	}
	var best *student.Student
	var bytes int64
	for _, width := range []int{8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024} {
		s, err := student.Build(sig, student.Spec{Arch: arch, Options: map[string]string{"width": strconv.Itoa(width)}}, seed)
		if err != nil {
			return nil, 0, err
		}
		m, err := s.Export()
		if err != nil {
			return nil, 0, err
		}
		b, err := m.Encode()
		if err != nil {
			return nil, 0, err
		}
		if best != nil && int64(len(b)) > limit {
			break
		}
		best, bytes = s, int64(len(b))
	}
	return best, bytes, nil
}
