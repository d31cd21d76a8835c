// SPDX-License-Identifier: Apache-2.0

package student

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// Answer is a tensor of the teacher that a student learns.
type Answer struct {
	// Knowledge says which tensor it is and what follows it; the student gets the
	// same closing nodes.
	Knowledge rewrite.Knowledge
	// Shape is its per-sample shape.
	Shape []int
	// Units says that the answer is numbers whose size and offset are put behind
	// the student's own tensor, so that it learns them standardised; see SetUnits.
	Units bool
}

func (a Answer) width() int {
	n := 1
	for _, d := range a.Shape {
		n *= d
	}
	return n
}

// units names the constants behind a tensor that learns standardised numbers.
type units struct{ scale, shift string }

// Answers lists what a student learns, the first answer first.
func (sig Signature) Answers() []Answer {
	return append([]Answer{{Knowledge: sig.Knowledge, Shape: sig.Logits, Units: sig.Units}}, sig.More...)
}

// outputs is what follows an answer towards every output of the teacher that
// belongs to it, its own output first. An output that belongs to no answer is
// refused.
func (sig Signature) outputs() ([][]rewrite.Knowledge, error) {
	answers := sig.Answers()
	all := make([][]rewrite.Knowledge, len(answers))
	taken := map[string]bool{}
	for i, a := range answers {
		all[i] = []rewrite.Knowledge{a.Knowledge}
		taken[a.Knowledge.Output] = true
	}
	for _, o := range sig.Teacher.Graph.Outputs {
		if taken[o.Name] {
			continue
		}
		k, err := rewrite.FindKnowledge(sig.Teacher, o.Name)
		found := false
		for i, a := range answers {
			if err == nil && !found && k.Logits == a.Knowledge.Logits {
				all[i], found = append(all[i], k), true
			}
		}
		if !found {
			return nil, fmt.Errorf("the teacher's output %q does not follow from the same scores as %q; a student learns one tensor of scores and would leave it out", o.Name, sig.Knowledge.Output)
		}
	}
	return all, nil
}

// finish appends everything behind the architecture's tensor y, [N, width] of all
// answers together, and fills in which tensors are trained.
func (s *Student) finish(e *Emitter, sig Signature, teacher *onnx.Graph, y string) error {
	outputs, err := sig.outputs()
	if err != nil {
		return err
	}
	answers := sig.Answers()
	parts := e.parts(y, answers, int(sig.Teacher.Opset("")))
	for i, a := range answers {
		trained := parts[i]
		out := trained
		if a.Units {
			u := e.units(answers, i)
			s.units = append(s.units, u)
			out = e.Op("Add", []string{e.Op("Mul", []string{out, u.scale}), u.shift})
		} else {
			s.units = append(s.units, units{})
		}
		if !e.dense && len(a.Shape) != 1 {
			dims := []int64{0} // as many samples as there are
			for _, d := range a.Shape {
				dims = append(dims, int64(d))
			}
			out = e.Op("Reshape", []string{out, e.Int64("logits.shape", []int64{int64(len(dims))}, dims)})
		}
		named, err := appendClosing(e.Builder, teacher, outputs[i], out, len(a.Shape))
		if err != nil {
			return err
		}
		if !a.Units {
			trained = named
		}
		s.tensors = append(s.tensors, trained)
	}
	s.Logits = s.tensors[0]
	return nil
}

// parts cuts the architecture's tensor into those of the answers.
func (e *Emitter) parts(y string, answers []Answer, opset int) []string {
	if len(answers) == 1 {
		return []string{y}
	}
	var sizes []int64
	for _, a := range answers {
		sizes = append(sizes, int64(a.width()))
	}
	if opset < 13 {
		return e.OpMulti("answers", "Split", []string{y}, len(answers), onnx.Int("axis", 1), onnx.Ints("split", sizes...))
	}
	return e.OpMulti("answers", "Split", []string{y, e.Int64("answers.sizes", []int64{int64(len(sizes))}, sizes)}, len(answers), onnx.Int("axis", 1))
}

// units are one scale and shift for each number of a vector, or one for all of an
// answer of another rank.
func (e *Emitter) units(answers []Answer, i int) units {
	n := int64(1)
	if len(answers[i].Shape) == 1 {
		n = int64(answers[i].width())
	}
	scale, shift := make([]float32, n), make([]float32, n)
	for j := range scale {
		scale[j] = 1
	}
	return units{e.Float32("units.scale", []int64{n}, scale), e.Float32("units.shift", []int64{n}, shift)}
}

// Answers are the tensors that are compared with the teacher's, in the order of
// the signature; the first is Logits.
func (s *Student) Answers() []string {
	if s.tensors == nil {
		return []string{s.Logits}
	}
	return s.tensors
}

// Of is the student that a graph is whose tensors, in the order of the signature's
// answers, are compared with the teacher's.
func Of(m *onnx.Model, tensors []string, spec string) *Student {
	return &Student{Model: m, Spec: spec, Logits: tensors[0], tensors: tensors}
}

// SetUnits makes answer i come out as scale times the trained tensor plus shift.
// Both hold one number, or one for each number of a vector. It reports false
// where the student gives its answer in the teacher's units itself, as a graph of
// the user's own does.
func (s *Student) SetUnits(i int, scale, shift []float32) bool {
	if i >= len(s.units) || s.units[i] == (units{}) {
		return false
	}
	for name, v := range map[string][]float32{s.units[i].scale: scale, s.units[i].shift: shift} {
		t := s.Model.Graph.Initializer(name)
		if t.Len() != len(v) {
			panic("student: units of another size")
		}
		t.Data = onnx.FloatData(t.Type, v)
	}
	return true
}

// Frozen says whether an initializer is a constant that training leaves alone,
// whatever reads it: a unit, or a weight taken over from the teacher.
func (s *Student) Frozen(name string) bool {
	for _, u := range s.units {
		if name != "" && (name == u.scale || name == u.shift) {
			return true
		}
	}
	return s.taken[name]
}
