// SPDX-License-Identifier: Apache-2.0

package distill

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/compress/loss"
)

// agreementWith measures a student against a choice of class for every sample.
func agreementWith(t *testing.T, c Config, idx []int, class func(i int) int) float64 {
	t.Helper()
	tr, err := newTrainer(c)
	if err != nil {
		t.Fatal(err)
	}
	same := 0
	batch := tr.eval.plan.Batch()
	for lo := 0; lo < len(idx); lo += batch {
		part := make([]int, batch)
		n := copy(part, idx[lo:])
		if err := c.Set.Batch(0, part, tr.eval.plan.Input("x")); err != nil {
			t.Fatal(err)
		}
		if err := tr.eval.plan.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		out := tr.eval.plan.Output(c.Student.Logits)
		for i := range n {
			if best(out[i*classes:(i+1)*classes]) == class(part[i]) {
				same++
			}
		}
	}
	return float64(same) / float64(len(idx))
}

// taught is the class the toy teacher gives sample i, computed from its content.
func taught(t *testing.T, c Config) func(i int) int {
	x := make([]float32, height*width)
	return func(i int) int {
		if err := c.Set.Batch(0, []int{i}, x); err != nil {
			t.Fatal(err)
		}
		return best(teacher(x))
	}
}

func TestTrainingLearnsTheTeacher(t *testing.T) {
	c := config(t)
	c.Epochs = 8
	var events []Event
	c.Emit = func(e Event) { events = append(events, e) }
	before := agreementWith(t, c, c.Held, taught(t, c))
	r, _ := trained(t, c)
	if len(r.Curve) != c.Epochs || r.Best < 1 || r.Best > c.Epochs {
		t.Fatalf("%d epochs, the best is %d", len(r.Curve), r.Best)
	}
	chosen := r.Curve[r.Best-1]
	for i, e := range r.Curve {
		if e.better(chosen) {
			t.Errorf("epoch %d is better than the chosen one, %d", e.Epoch, r.Best)
		}
		if e.Epoch != i+1 || e.Seconds <= 0 || e.Rate <= 0 {
			t.Errorf("epoch %d of the curve: %+v", i+1, e)
		}
	}
	if chosen.Agreement <= 0.9 || before >= 0.7 || r.Curve[0].Loss < 2*chosen.Loss {
		t.Errorf("agreement from %.3f to %.3f, loss from %.3f to %.3f", before, chosen.Agreement, r.Curve[0].Loss, chosen.Loss)
	}
	if got := agreementWith(t, c, c.Held, taught(t, c)); got != chosen.Agreement {
		t.Errorf("the student left in the graph agrees on %.4f, the best epoch on %.4f", got, chosen.Agreement)
	}
	if want := 12*16 + 16 + 16*3 + 3; r.Weights != want || r.Memory <= 0 {
		t.Errorf("%d weights, want %d; %d bytes", r.Weights, want, r.Memory)
	}
	steps := len(c.Train) / c.Batch
	if len(events) != c.Epochs*(steps+1) {
		t.Errorf("%d events for %d epochs of %d steps", len(events), c.Epochs, steps)
	}
	for i, e := range events {
		epoch, step := i/(steps+1)+1, min(i%(steps+1)+1, steps)
		if e.Epoch != epoch || e.Step != step || e.Steps != steps || e.Epochs != c.Epochs || (e.Done != nil) != (i%(steps+1) == steps) {
			t.Fatalf("event %d: %+v", i, e)
		}
	}
}

// TestOrder looks at what the steps of two epochs were given: every sample once
// an epoch, with its own answer, in an order of the epoch's own.
func TestOrder(t *testing.T) {
	c := config(t)
	c.Train, c.Batch = c.Train[:440], 40
	var tr *trainer
	var orders [2][]string
	per := height * width
	c.Emit = func(e Event) {
		if e.Done != nil {
			return
		}
		x, z := tr.plan.Input("x"), tr.plan.Input(tr.targets[0][loss.TeacherLogits])
		for i := range c.Batch {
			sample := x[i*per : (i+1)*per]
			orders[e.Epoch-1] = append(orders[e.Epoch-1], fmt.Sprint(sample))
			if !slices.Equal(z[i*classes:(i+1)*classes], teacher(sample)) {
				t.Fatalf("epoch %d, step %d: sample %d has the answer of another", e.Epoch, e.Step, i)
			}
		}
	}
	var err error
	if tr, err = newTrainer(c); err != nil {
		t.Fatal(err)
	}
	for range orders {
		if err := tr.runEpoch(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if slices.Equal(orders[0], orders[1]) {
		t.Error("both epochs have the same order")
	}
	for _, o := range orders {
		slices.Sort(o)
		if o = slices.Compact(o); len(o) != len(c.Train) {
			t.Errorf("%d of %d samples were seen", len(o), len(c.Train))
		}
	}
	if !slices.Equal(orders[0], orders[1]) {
		t.Error("the epochs have seen other samples")
	}
}

// TestMeasure compares the held-out figures with their definitions.
func TestMeasure(t *testing.T) {
	c := config(t)
	c.Held = append(c.Held, c.Train[:163]...) // more than a batch, and not a multiple
	tr, err := newTrainer(c)
	if err != nil {
		t.Fatal(err)
	}
	agreement, kl, err := tr.eval.measure(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if want := agreementWith(t, c, c.Held, taught(t, c)); agreement != want {
		t.Errorf("agreement %.4f, want %.4f", agreement, want)
	}
	if !(kl > 0.1 && kl < 20) {
		t.Errorf("divergence of an untrained student: %g", kl)
	}
	for _, tc := range []struct {
		name string
		t, s []float32
		want float64
	}{
		{"equal", []float32{1, 2, 3}, []float32{1, 2, 3}, 0},
		{"shifted", []float32{1, 2, 3}, []float32{-9, -8, -7}, 0},
		{"two classes", []float32{0, 0}, []float32{float32(math.Log(3)), 0}, math.Log(4) - math.Log(3)/2 - math.Log(2)},
		{"certain", []float32{1000, 0}, []float32{0, 0}, math.Log(2)},
	} {
		if got := divergence(tc.t, tc.s); math.Abs(got-tc.want) > 1e-6 {
			t.Errorf("%s: %g, want %g", tc.name, got, tc.want)
		}
	}
}

func TestTheSameTwice(t *testing.T) {
	r1, first := trained(t, config(t))
	r2, second := trained(t, config(t))
	if first != second || curveOf(r1) != curveOf(r2) {
		t.Errorf("two runs differ:\n%s\n%s", curveOf(r1), curveOf(r2))
	}
	c := config(t)
	c.Seed = 2
	if _, other := trained(t, c); other == first {
		t.Error("another seed gives the same student")
	}
}

// TestAnswersFollowContent shuffles the rows of the file and trains on the answers
// given to the file as it was.
func TestAnswersFollowContent(t *testing.T) {
	c := config(t)
	order := rand.New(rand.NewPCG(9, 9)).Perm(samples)
	was, answers := c.Set, c.Answers
	c.Set = open(t, rows(), order, nil)
	x, row := make([]float32, height*width), make([]float32, classes)
	for i := range samples {
		if c.Set.Key(i) != was.Key(order[i]) {
			t.Fatalf("row %d of the shuffled file has another key than row %d of the first", i, order[i])
		}
		if err := c.Set.Batch(0, []int{i}, x); err != nil {
			t.Fatal(err)
		}
		if err := answers.Batch(c.Set, []int{i}, row); err != nil {
			t.Fatal(err)
		}
		for k, z := range teacher(x) {
			if row[k] != z {
				t.Fatalf("row %d: the store has %v, the teacher says %v", i, row, teacher(x))
			}
		}
	}
	c.Epochs = 8
	trained(t, c)
	if got := agreementWith(t, c, c.Held, taught(t, c)); got <= 0.9 {
		t.Errorf("agreement %.3f after training on a shuffled file", got)
	}
}

func TestLabels(t *testing.T) {
	labels := make([]int64, samples)
	x := rows()
	for i := range labels { // another rule than the teacher's
		labels[i] = 0
		if x[i*height*width] > 0 {
			labels[i] = 2
		}
	}
	for _, tc := range []struct {
		name  string
		terms []loss.Term
	}{
		{"labels alone", []loss.Term{term(t, "ce", 1, nil)}},
		{"mostly labels", []loss.Term{term(t, "kd", 0.01, nil), term(t, "ce", 1, nil)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := config(t)
			c.Set = open(t, x, ascending(samples), labels)
			c.Terms, c.Epochs = tc.terms, 8
			trained(t, c)
			if got := agreementWith(t, c, c.Held, func(i int) int { return int(labels[i]) }); got < 0.85 {
				t.Errorf("%.3f of the labels are learned", got)
			}
			if got := agreementWith(t, c, c.Held, taught(t, c)); got > 0.75 {
				t.Errorf("agreement %.3f with a teacher who was to weigh little", got)
			}
		})
	}
}

func TestTrainRefuses(t *testing.T) {
	bad := make([]int64, samples)
	bad[7] = classes
	for _, tc := range []struct {
		name   string
		change func(t *testing.T, c *Config)
		want   string
	}{
		{"nothing to train on", func(_ *testing.T, c *Config) { c.Train = nil }, "0 samples to train on and 150 to choose the epoch by"},
		{"nothing held out", func(_ *testing.T, c *Config) { c.Held = nil }, "450 samples to train on and 0 to choose the epoch by"},
		{"labels that are not there", func(t *testing.T, c *Config) { c.Terms = append(c.Terms, term(t, "ce", 0.1, nil)) },
			"the loss compares with labels, and the data has none"},
		{"a label beyond the classes", func(t *testing.T, c *Config) {
			c.Set, c.Train = open(t, rows(), ascending(samples), bad), []int{6, 7, 8}
			c.Terms = append(c.Terms, term(t, "ce", 0.1, nil))
		}, "row 8 of x.npy has label 3, the teacher knows 3 classes"},
		{"a sample without an answer", func(t *testing.T, c *Config) {
			x := rows()
			x[5*height*width]++
			c.Set, c.Train = open(t, x, ascending(samples), nil), []int{4, 5}
		}, "row 6 of x.npy has no answer of the teacher"},
		{"a held-out sample without an answer", func(t *testing.T, c *Config) {
			x := rows()
			x[5*height*width]++
			c.Set, c.Train, c.Held = open(t, x, ascending(samples), nil), []int{4}, []int{5}
		}, "row 6 of x.npy has no answer of the teacher"},
		{"divergence", func(_ *testing.T, c *Config) { c.Rate, c.Clip = 1e6, 0 }, "lower the learning rate (now 1e+06)"},
		{"divergence, clipped", func(_ *testing.T, c *Config) { c.Rate, c.Epochs = 1e12, 40 }, "lower the learning rate (now 1e+12)"},
		{"divergence in the last step", func(_ *testing.T, c *Config) { c.Rate, c.Epochs, c.Batch = 1e30, 1, len(c.Train) },
			"training diverged in epoch 1: the student's answers to held-out samples are not numbers; lower the learning rate (now 1e+30)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := config(t)
			tc.change(t, &c)
			before := encode(t, c.Student)
			r, err := Train(context.Background(), c)
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v (%+v), want one line with %q", err, r, tc.want)
			}
			if encode(t, c.Student) != before {
				t.Error("the student was changed by a training that failed")
			}
		})
	}
}

func TestFewerSamplesThanABatch(t *testing.T) {
	c := config(t)
	c.Train, c.Batch = c.Train[:20], 128
	if r, _ := trained(t, c); len(r.Curve) != c.Epochs {
		t.Errorf("%d epochs", len(r.Curve))
	}
}

func TestCancel(t *testing.T) {
	c := config(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	before := encode(t, c.Student)
	if _, err := Train(ctx, c); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if encode(t, c.Student) != before {
		t.Error("the student was changed")
	}
}
