// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// Severity says what a difference means to a program written for the teacher.
type Severity string

const (
	// Breaks: the program may fail or misread the answers.
	Breaks Severity = "breaks"
	// Notes: the program goes on as before.
	Notes Severity = "note"
)

// Difference is one point in which the student's interface is not the
// teacher's. Where is a place such as `input "x"`; Text is one line.
type Difference struct {
	Severity Severity `json:"severity"`
	Where    string   `json:"where"`
	Text     string   `json:"text"`
}

// Contract lists where the student's interface departs from the teacher's:
// inputs and outputs by name, order, element type, rank and dimensions, the
// operator sets and the IR version (a newer one may not load in the teacher's
// runtime) and metadata. It is empty if there is no difference.
func Contract(teacher, student *onnx.Model) []Difference {
	var d []Difference
	d = append(d, valuesDiffer("input", teacher.Graph.DataInputs(), student.Graph.DataInputs())...)
	d = append(d, valuesDiffer("output", teacher.Graph.Outputs, student.Graph.Outputs)...)
	d = append(d, versionsDiffer(teacher, student)...)
	for _, p := range teacher.Metadata {
		got, ok := student.Property(p.Key)
		where := "metadata " + quote(p.Key)
		switch {
		case !ok:
			d = append(d, Difference{Notes, where, "the teacher carries it, the student does not"})
		case got != p.Value:
			d = append(d, Difference{Notes, where, "the student holds another value"})
		}
	}
	return d
}

// Holds says whether no difference breaks the contract.
func Holds(d []Difference) bool {
	return !slices.ContainsFunc(d, func(x Difference) bool { return x.Severity == Breaks })
}

func valuesDiffer(what string, teacher, student []*onnx.Value) []Difference {
	var d []Difference
	if len(teacher) != len(student) {
		d = append(d, Difference{Breaks, what + "s", fmt.Sprintf("the teacher has %d, the student %d", len(teacher), len(student))})
	}
	at, known := places(student), places(teacher)
	for i, t := range teacher {
		where := what + " " + quote(t.Name)
		j, ok := at[t.Name]
		if !ok {
			if i >= len(student) || has(known, student[i].Name) {
				d = append(d, Difference{Breaks, where, "the student has no such name"})
				continue
			}
			d = append(d, Difference{Breaks, where, "the student calls it " + quote(student[i].Name)})
			j = i
		} else if j != i {
			d = append(d, Difference{Breaks, where, fmt.Sprintf("it is %s %d of the teacher and %d of the student", what, i+1, j+1)})
		}
		d = append(d, typeDiffers(where, t, student[j])...)
	}
	for i, s := range student {
		renamed := i < len(teacher) && !has(at, teacher[i].Name)
		if !has(known, s.Name) && !renamed {
			d = append(d, Difference{Breaks, what + " " + quote(s.Name), "only the student has it"})
		}
	}
	return d
}

// places numbers values by name.
func places(values []*onnx.Value) map[string]int {
	at := make(map[string]int, len(values))
	for i, v := range values {
		at[v.Name] = i
	}
	return at
}

func has(m map[string]int, name string) bool {
	_, ok := m[name]
	return ok
}

func typeDiffers(where string, t, s *onnx.Value) []Difference {
	if t.Kind != s.Kind {
		return []Difference{{Breaks, where, fmt.Sprintf("the teacher declares a %s, the student a %s", kindName(t), kindName(s))}}
	}
	var d []Difference
	if t.Type != s.Type {
		d = append(d, Difference{Breaks, where, fmt.Sprintf("element type %s, the student's %s", t.Type, s.Type)})
	}
	switch {
	case t.Ranked && !s.Ranked:
		return append(d, Difference{Notes, where, fmt.Sprintf("the student leaves the shape open, the teacher declares rank %d", len(t.Dims))})
	case !t.Ranked && s.Ranked:
		return append(d, Difference{Breaks, where, fmt.Sprintf("the teacher leaves the shape open, the student declares rank %d", len(s.Dims))})
	case len(t.Dims) != len(s.Dims):
		return append(d, Difference{Breaks, where, fmt.Sprintf("rank %d, the student's %d", len(t.Dims), len(s.Dims))})
	}
	for i, td := range t.Dims {
		sd := s.Dims[i]
		fixed, got := td.Size >= 0, sd.Size >= 0
		switch {
		case fixed && got && td.Size != sd.Size:
			d = append(d, Difference{Breaks, where, fmt.Sprintf("dimension %d is %d, the student's %d", i, td.Size, sd.Size)})
		case !fixed && got:
			d = append(d, Difference{Breaks, where, fmt.Sprintf("dimension %d is free (%s), the student fixes it to %d", i, dimName(td), sd.Size)})
		case fixed && !got:
			d = append(d, Difference{Notes, where, fmt.Sprintf("dimension %d is %d, the student leaves it free (%s)", i, td.Size, dimName(sd))})
		case !fixed && td.Param != sd.Param:
			d = append(d, Difference{Notes, where, fmt.Sprintf("dimension %d is called %s, the student's %s", i, dimName(td), dimName(sd))})
		}
	}
	return d
}

func kindName(v *onnx.Value) string {
	if v.Kind == "" {
		return "value of unknown kind"
	}
	return v.Kind
}

func dimName(d onnx.Dim) string {
	if d.Param == "" {
		return "unnamed"
	}
	return quote(d.Param)
}

func versionsDiffer(teacher, student *onnx.Model) []Difference {
	var d []Difference
	for _, o := range student.Opsets {
		domain := o.Domain
		if domain == "ai.onnx" {
			domain = ""
		}
		where := "opset"
		if domain != "" {
			where = "opset of domain " + quote(domain)
		}
		t := teacher.Opset(domain)
		switch {
		case t == 0:
			d = append(d, Difference{Breaks, where, fmt.Sprintf("the student needs version %d, the teacher does not use it", o.Version)})
		case o.Version > t:
			d = append(d, Difference{Breaks, where, fmt.Sprintf("the student needs version %d, the teacher only %d", o.Version, t)})
		}
	}
	if student.IRVersion > teacher.IRVersion {
		d = append(d, Difference{Breaks, "IR version", fmt.Sprintf("the student needs %d, the teacher only %d", student.IRVersion, teacher.IRVersion)})
	}
	return d
}
