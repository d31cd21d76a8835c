// SPDX-License-Identifier: Apache-2.0

package distill

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/compress/target"
)

// augmentedConfig is a training on views whose answers come from the toy teacher.
func augmentedConfig(t *testing.T, store *target.Answers) Config {
	t.Helper()
	c := config(t)
	c.Epochs, c.Views, c.Store = 4, 2, store
	var err error
	if c.Augment, err = c.Set.Views(data.Augment{Noise: 0.1, Mixup: true, Flip: true}, c.Train, 3); err != nil {
		t.Fatal(err)
	}
	c.Ask = func(_ context.Context, inputs [][]float32, n int, dst []float32) error {
		per := height * width
		for i := range n {
			copy(dst[i*classes:], teacher(inputs[0][i*per:(i+1)*per]))
		}
		return nil
	}
	return c
}

// TestReplay trains on what a teacher says of views, keeps it, and trains again
// without the teacher: the student is the same to the last bit, in every encoding.
func TestReplay(t *testing.T) {
	for _, e := range []target.Encoding{"float32", "float16", "topk:2@2"} {
		dir := t.TempDir()
		id := target.Identity{Teacher: "toy", Encoding: e}
		store := target.New(id, []int{classes})
		store.Spill(dir)
		r1, first := trained(t, augmentedConfig(t, store))
		if err := store.Flush(); err != nil {
			t.Fatal(err)
		}
		kept, _, err := target.Load(dir, id, []int{classes})
		if err != nil {
			t.Fatal(err)
		}
		c := augmentedConfig(t, kept)
		c.Ask = func(context.Context, [][]float32, int, []float32) error { return errors.New("the teacher was asked") }
		r2, second := trained(t, c)
		if first != second || curveOf(r1) != curveOf(r2) {
			t.Errorf("%s: the replayed training differs:\n%s\n%s", e, curveOf(r1), curveOf(r2))
		}
		if r1.Curve[3].Agreement < 0.6 {
			t.Errorf("%s: agreement %.3f", e, r1.Curve[3].Agreement)
		}
	}
}

// TestViewsStayWithTheirAnswers looks at every step: what stands beside a sample is
// what the teacher says of that very view, though views come from the store from
// the third epoch on, in another order.
func TestViewsStayWithTheirAnswers(t *testing.T) {
	c := augmentedConfig(t, target.New(target.Identity{Teacher: "toy"}, []int{classes}))
	var tr *trainer
	steps := 0
	c.Emit = func(e Event) {
		if e.Done != nil {
			return
		}
		steps++
		x := tr.plan.Input("x")
		per := height * width
		for j := range c.Batch {
			if want := teacher(x[j*per : (j+1)*per]); !slices.Equal(tr.row(j), want) {
				t.Fatalf("epoch %d, step %d: sample %d has the answer of another view", e.Epoch, e.Step, j)
			}
		}
	}
	var err error
	if tr, err = newTrainer(c); err != nil {
		t.Fatal(err)
	}
	for range c.Epochs {
		if err := tr.runEpoch(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if steps == 0 || c.Store.Len() > 2*len(c.Train) || c.Store.Len() < len(c.Train) {
		t.Errorf("%d steps, %d answers kept", steps, c.Store.Len())
	}
}

// TestAverageAndMomentum trains by SGD and deploys the average of the weights: the
// student agrees as the curve says, and is not the one without an average.
func TestAverageAndMomentum(t *testing.T) {
	c := config(t)
	c.Momentum, c.Rate, c.Epochs = 0.9, 0.05, 8
	_, plain := trained(t, c)
	c = config(t)
	c.Momentum, c.Rate, c.Epochs, c.Average, c.KeepLast = 0.9, 0.05, 8, 0.9, true
	r, averaged := trained(t, c)
	if plain == averaged {
		t.Error("the average changes nothing")
	}
	chosen := r.Curve[r.Best-1]
	if got := agreementWith(t, c, c.Held, taught(t, c)); got != chosen.Agreement || got < 0.85 {
		t.Errorf("the student agrees on %.4f, the curve says %.4f", got, chosen.Agreement)
	}
	if r.Best == c.Epochs && encode(t, r.Last) != averaged {
		t.Error("the last student is not the best, though the last epoch is")
	}
}
