// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func writeText(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestLabelThenDistill labels in two parts and distils from them: the same student
// as without, and no sample is given to the teacher again.
func TestLabelThenDistill(t *testing.T) {
	c := tiny(t)
	plain, _ := run(t, c)
	l := LabelConfig{Teacher: c.Teacher, Data: c.Data, Out: filepath.Join(t.TempDir(), "answers"), Shards: 2, Threads: 2}
	for l.Shard = range l.Shards {
		r, err := Label(context.Background(), l, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := LabelResult{Path: []string{"part-00000-of-00002.kdt", "part-00001-of-00002.kdt"}[l.Shard], Samples: 200, Answers: 200, Bytes: 4*classes + 16}
		if *r != want {
			t.Errorf("part %d: %+v, want %+v", l.Shard, *r, want)
		}
		if len(read(t, l.Out, r.Path)) < r.Samples*r.Bytes {
			t.Errorf("part %d is too small", l.Shard)
		}
	}
	c.Out, c.Targets = t.TempDir(), l.Out
	r, events := run(t, c)
	if count(events, "label") != 0 {
		t.Error("the teacher was asked again")
	}
	known := false
	for _, e := range events {
		known = known || e.Kind == "stage" && strings.Contains(e.Message, "the teacher answers 400 samples (400 known), 28 bytes each")
	}
	if !known {
		t.Errorf("no word of the known answers in %+v", events)
	}
	if !bytes.Equal(read(t, plain.Student), read(t, r.Student)) {
		t.Error("stored answers give another student")
	}
	if _, err := os.Stat(filepath.Join(c.Out, "targets")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a second store: %v", err)
	}

	// Half of the answers, and answers of another preprocessing.
	if err := os.Remove(filepath.Join(l.Out, "part-00001-of-00002.kdt")); err != nil {
		t.Fatal(err)
	}
	l.Data.Scale, l.Shard, l.Shards = 2, 0, 1
	if _, err := Label(context.Background(), l, nil); err != nil {
		t.Fatal(err)
	}
	c.Out = t.TempDir()
	r, events = run(t, c)
	if !bytes.Equal(read(t, plain.Student), read(t, r.Student)) {
		t.Error("answers that were asked for again give another student")
	}
	last := Event{}
	warned := false
	for _, e := range events {
		if e.Kind == "label" {
			last = e
		}
		warned = warned || e.Kind == "warning" && strings.HasSuffix(e.Message, "part-00000-of-00001.kdt answers for another teacher or preprocessing and is not used")
	}
	if last.Done != 200 || last.Total != 200 || !warned {
		t.Errorf("labelling ended with %+v; warned: %v", last, warned)
	}
}

func TestLabelErrors(t *testing.T) {
	library(t)
	teacher, x := save(t, toyTeacher(anyBatch, softmax(anyBatch))), npy(t, 20, features)
	for _, c := range []struct {
		name          string
		shard, shards int
	}{{"beyond the last", 2, 2}, {"negative", -1, 2}, {"none", 0, 0}} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Label(context.Background(), LabelConfig{Teacher: teacher, Data: Data{Path: x}, Out: t.TempDir(), Shard: c.shard, Shards: c.shards, Threads: 1}, nil)
			oneLine(t, err, "give --shard i/n with 0 <= i < n")
			var u *UsageError
			if !errors.As(err, &u) {
				t.Errorf("the error is a %T", err)
			}
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	out := t.TempDir()
	if _, err := Label(ctx, LabelConfig{Teacher: teacher, Data: Data{Path: x}, Out: out, Shards: 1, Threads: 1}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v of a cancelled labelling", err)
	}
	if left, err := os.ReadDir(out); err != nil || len(left) != 0 {
		t.Errorf("a cancelled labelling left %v, error %v", left, err)
	}
}

// TestUnusableSamples leaves them out and says so.
func TestUnusableSamples(t *testing.T) {
	library(t)
	var text strings.Builder
	for i := range 200 {
		for f := range features {
			if f > 0 {
				text.WriteByte(',')
			}
			if i == 3 && f == 5 {
				text.WriteString("nan")
				continue
			}
			text.WriteString([]string{"0.5", "-1", "2"}[(i*f+i)%3])
		}
		text.WriteByte('\n')
	}
	path := filepath.Join(t.TempDir(), "x.csv")
	writeText(t, path, text.String())
	var warnings []string
	r, err := Label(context.Background(), LabelConfig{Teacher: save(t, toyTeacher(anyBatch, softmax(anyBatch))), Data: Data{Path: path}, Out: t.TempDir(), Shards: 1, Threads: 1},
		func(e Event) {
			if e.Kind == "warning" {
				warnings = append(warnings, e.Message)
			}
		})
	if err != nil || r.Samples != 199 {
		t.Fatalf("%+v, error %v", r, err)
	}
	if len(warnings) != 1 || !strings.HasPrefix(warnings[0], "left out row 4") {
		t.Errorf("warnings %q", warnings)
	}
}
