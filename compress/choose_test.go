// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
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
	for _, c := range []struct {
		name string
		max  Bytes
		want string // the specification chosen
		note string // in the last event
		warn bool
	}{
		{"a tenth of the teacher is too little", 0, "mlp:width=8", "chose mlp:width=8", true},
		{"a size too small", 500, "mlp:width=8", "the size asked for", true},
		{"a size", 20_000, "mlp:width=48", "the largest within the size asked for", false},
		{"a large size", 10_000_000, "mlp:width=1024", "chose mlp:width=1024", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, size, events := chosen(t, func(cfg *Config) { cfg.MaxSize = c.max })
			if s.Spec != c.want {
				t.Errorf("chose %s of %d bytes, want %s", s.Spec, size, c.want)
			}
			if warned := count(events, "warning") == 1; warned != c.warn {
				t.Errorf("events %+v", events)
			}
			if c.max > 0 && (Bytes(size) > c.max) != c.warn {
				t.Errorf("%d bytes for a bound of %d", size, c.max)
			}
			if last := events[len(events)-1]; last.Kind != "note" || !strings.Contains(last.Message, c.note) {
				t.Errorf("last event %+v", last)
			}
		})
	}
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

// TestChoosePictures takes a convnet where samples are pictures.
func TestChoosePictures(t *testing.T) {
	sig := student.Signature{Inputs: [][]int{{1, 12, 12}}, Logits: []int{4}}
	b := onnx.NewBuilder(&onnx.Graph{Name: "teacher"}, "")
	x := b.Input("x", onnx.Float32, anyBatch, onnx.Fixed(1), onnx.Fixed(12), onnx.Fixed(12))
	z := b.Op("Gemm", []string{b.Op("Flatten", []string{x}), b.Float32("w", []int64{144, 4}, make([]float32, 576))})
	b.Output(z, onnx.Float32, anyBatch, onnx.Fixed(4))
	sig.Teacher = &onnx.Model{IRVersion: 7, Opsets: []onnx.Opset{{Version: 13}}, Graph: b.G}
	sig.Knowledge.Output, sig.Knowledge.Logits = z, z
	s, size, err := largest(sig, 1, 40_000)
	if err != nil || !strings.HasPrefix(s.Spec, "convnet:width=") || size > 40_000 || size < 10_000 {
		t.Errorf("%+v of %d bytes, error %v", s, size, err)
	}
}
