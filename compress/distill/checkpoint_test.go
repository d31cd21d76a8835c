// SPDX-License-Identifier: Apache-2.0

package distill

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// cut runs a training that is cancelled in the middle of an epoch.
func cut(t *testing.T, c Config, in int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c.Emit = func(e Event) {
		if e.Epoch == in && e.Step == e.Steps/2 {
			cancel()
		}
	}
	if _, err := Train(ctx, c); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v of a cancelled training", err)
	}
}

func TestResume(t *testing.T) {
	for _, spec := range []string{"mlp:width=16,depth=1", "convnet:width=4,depth=2"} {
		config := func(t *testing.T) Config {
			c := config(t)
			if strings.HasPrefix(spec, "mlp") {
				c.Average, c.Momentum, c.Rate = 0.9, 0.9, 0.05
			}
			return c
		}
		whole := config(t)
		whole.Student = newStudent(t, spec)
		r, want := trained(t, whole)
		for in := 1; in <= whole.Epochs; in++ {
			c := config(t)
			c.Student, c.Checkpoint = newStudent(t, spec), filepath.Join(t.TempDir(), "state")
			cut(t, c, in)
			c.Student, c.Resume = newStudent(t, spec), true
			var resumed []int
			first := 0
			c.Emit = func(e Event) {
				switch {
				case e.Resumed:
					resumed = append(resumed, e.Epoch)
				case first == 0:
					first = e.Epoch
				}
			}
			got, b := trained(t, c)
			if b != want || curveOf(got) != curveOf(r) {
				t.Errorf("%s cut in epoch %d and resumed:\n%s\nuncut:\n%s", spec, in, curveOf(got), curveOf(r))
			}
			if first != in || (in > 1) != slices.Equal(resumed, []int{in - 1}) {
				t.Errorf("%s cut in epoch %d: went on after %v with epoch %d", spec, in, resumed, first)
			}
		}
	}
}

// TestResumeOfAFinishedRun trains nothing and gives the same student again.
func TestResumeOfAFinishedRun(t *testing.T) {
	c := config(t)
	c.Checkpoint = filepath.Join(t.TempDir(), "state")
	r, want := trained(t, c)
	c.Student, c.Resume = newStudent(t, "mlp:width=16,depth=1"), true
	steps := 0
	c.Emit = func(e Event) {
		if !e.Resumed {
			steps++
		}
	}
	got, b := trained(t, c)
	if b != want || steps != 0 || curveOf(got) != curveOf(r) {
		t.Errorf("%d steps; the same student: %v", steps, b == want)
	}
	// Without Resume the checkpoint is not looked at.
	c.Student, c.Resume, steps = newStudent(t, "mlp:width=16,depth=1"), false, 0
	if _, b := trained(t, c); b != want || steps == 0 {
		t.Errorf("%d steps; the same student: %v", steps, b == want)
	}
}

func TestCheckpointOfAnotherConfiguration(t *testing.T) {
	base := config(t)
	base.Checkpoint = filepath.Join(t.TempDir(), "state")
	cut(t, base, 3)
	base.Resume = true
	labels := make([]int64, samples)
	for _, tc := range []struct {
		name   string
		change func(c *Config)
	}{
		{"rate", func(c *Config) { c.Rate *= 2 }},
		{"epochs", func(c *Config) { c.Epochs++ }},
		{"batch", func(c *Config) { c.Batch = 16 }},
		{"warm-up", func(c *Config) { c.Warmup = 0.2 }},
		{"clip", func(c *Config) { c.Clip = 2 }},
		{"decay", func(c *Config) { c.Decay = 0 }},
		{"seed", func(c *Config) { c.Seed = 5 }},
		{"shards", func(c *Config) { c.Shards = 1 }},
		{"temperature", func(c *Config) {
			c.Terms = append(c.Terms[:0:0], term(t, "kd", 1, map[string]float64{"temperature": 3}))
		}},
		{"weight of a loss", func(c *Config) {
			c.Terms = append(c.Terms[:0:0], term(t, "kd", 2, map[string]float64{"temperature": 2}))
		}},
		{"one loss more", func(c *Config) {
			c.Set = open(t, rows(), ascending(samples), labels)
			c.Terms = append(slices.Clone(c.Terms), term(t, "ce", 1, nil))
		}},
		{"student of another size", func(c *Config) { c.Student = newStudent(t, "mlp:width=8,depth=1") }},
		{"other weights to begin with", func(c *Config) {
			c.Student = newStudent(t, "mlp:width=16,depth=1")
			c.Student.Model.Graph.Initializers[0].Data[0] ^= 1
		}},
		{"another teacher", func(c *Config) {
			a := *c.Answers
			a.Identity.Teacher = "another"
			c.Answers = &a
		}},
		{"other samples held out", func(c *Config) { c.Held = c.Held[1:] }},
		{"other samples trained on", func(c *Config) { c.Train = c.Train[1:] }},
		{"rows in another order", func(c *Config) { c.Set = open(t, rows(), rand.New(rand.NewPCG(3, 3)).Perm(samples), nil) }},
		{"other values", func(c *Config) {
			x := rows()
			x[0]++
			c.Set = open(t, x, ascending(samples), nil)
			c.Answers = ask(t, c.Set)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := base
			tc.change(&c)
			_, err := Train(context.Background(), c)
			if err == nil || !strings.Contains(err.Error(), "belongs to another configuration") || !strings.Contains(err.Error(), c.Checkpoint) {
				t.Errorf("error %v", err)
			}
		})
	}
	c := base
	c.Student = newStudent(t, "mlp:width=16,depth=1")
	if _, err := Train(context.Background(), c); err != nil {
		t.Errorf("the unchanged configuration: %v", err)
	}
}

// TestCheckpointKnowsLabels refuses to go on with other labels, where the loss
// reads them.
func TestCheckpointKnowsLabels(t *testing.T) {
	labels := make([]int64, samples)
	c := config(t)
	c.Set = open(t, rows(), ascending(samples), labels)
	c.Terms = append(c.Terms, term(t, "ce", 1, nil))
	c.Checkpoint = filepath.Join(t.TempDir(), "state")
	cut(t, c, 2)
	labels[c.Train[0]] = 1
	c.Resume, c.Set = true, open(t, rows(), ascending(samples), labels)
	if _, err := Train(context.Background(), c); err == nil || !strings.Contains(err.Error(), "belongs to another configuration") {
		t.Errorf("error %v", err)
	}
}

func TestDamagedCheckpoint(t *testing.T) {
	c := config(t)
	c.Checkpoint = filepath.Join(t.TempDir(), "state")
	cut(t, c, 3)
	whole, err := os.ReadFile(c.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	flipped := slices.Clone(whole)
	flipped[len(flipped)*2/3] ^= 4
	c.Resume = true
	for _, tc := range []struct {
		name string
		data []byte
	}{
		{"empty", nil},
		{"text", []byte("not a checkpoint at all, but forty bytes or more of plain text")},
		{"truncated", whole[:len(whole)-7]},
		{"a flipped bit", flipped},
		{"a byte more", append(slices.Clone(whole), 0)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := os.WriteFile(c.Checkpoint, tc.data, 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := Train(context.Background(), c)
			if err == nil || !strings.Contains(err.Error(), c.Checkpoint+": not a checkpoint, or damaged; run without --resume") {
				t.Errorf("error %v", err)
			}
		})
	}
	if err := os.WriteFile(c.Checkpoint, whole, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Train(context.Background(), c); err != nil {
		t.Errorf("the whole checkpoint: %v", err)
	}
}

func TestCheckpointThatCannotBeWritten(t *testing.T) {
	c := config(t)
	c.Checkpoint = filepath.Join(t.TempDir(), "none", "state")
	if _, err := Train(context.Background(), c); err == nil || !strings.HasPrefix(err.Error(), "checkpoint: ") {
		t.Errorf("error %v", err)
	}
}
