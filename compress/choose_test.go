// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"testing"

	"github.com/kdcompress/kdcompress/student"
)

// chosen chooses a student for the toy teacher and returns its file's bytes and
// the events.
func chosen(t *testing.T, change func(c *Config)) (*student.Student, int, []Event) {
	t.Helper()
	c := Default()
	change(&c)
	teacher, set, _ := asked(t, save(t, toyTeacher(anyBatch, softmax(anyBatch))), Data{Path: npy(t, 10, features)})
	var events []Event
	s, err := chooseStudent(context.Background(), &c, teacher, set, all(set.Len()), func(e Event) { events = append(events, e) })
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.Export()
	if err != nil {
		t.Fatal(err)
	}
	b, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return s, len(b), events
}

func TestChooseStudent(t *testing.T) {
	t.Run("a specification", func(t *testing.T) {
		if s, _, events := chosen(t, func(c *Config) { c.Student = "mlp:depth=1,width=5" }); s.Spec != "mlp:width=5,depth=1" || len(events) != 0 {
			t.Errorf("%s, events %+v", s.Spec, events)
		}
	})
	t.Run("cuts", func(t *testing.T) {
		want := "narrow:ratio=0.5"
		s, _, events := chosen(t, func(c *Config) { c.Student = want })
		if s.Spec != want || count(events, "stage") != 1 || count(events, "note") < 2 {
			t.Errorf("%s, events %+v", s.Spec, events)
		}
	})
	t.Run("a file", func(t *testing.T) {
		own := save(t, toyTeacher(anyBatch, softmax(anyBatch)))
		if s, _, _ := chosen(t, func(c *Config) { c.Student = own }); s.Spec != own || s.Logits != "logits" {
			t.Errorf("%s, logits %s", s.Spec, s.Logits)
		}
	})
}
