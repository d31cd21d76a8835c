// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student"
	"github.com/kdcompress/kdcompress/student/cut"
)

// chooseStudent builds the student the configuration asks for. A cut one is fitted
// to samples of train.
func chooseStudent(ctx context.Context, c *Config, t *Teacher, set *data.Set, train []int, emit func(Event)) (*student.Student, error) {
	sig := t.signature(set)
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
