// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

// TestNoAllocation counts what a step allocates, on all goroutines, once it is warm.
func TestNoAllocation(t *testing.T) {
	if racing {
		t.Skip("the race detector allocates")
	}
	for name, make := range nets {
		for _, shards := range []int{1, 2, 5} {
			t.Run(fmt.Sprintf("%s/%d shards", name, shards), func(t *testing.T) {
				plan, _ := run[float32](t, make(), Options{Batch: 32, Shards: shards, Threads: min(shards, 3), Training: true, SliceBytes: 1})
				ctx := context.Background()
				if got := testing.AllocsPerRun(20, func() {
					if err := plan.Run(ctx); err != nil {
						t.Fatal(err)
					}
				}); got != 0 {
					t.Errorf("%g allocations a step", got)
				}
			})
		}
	}
}

// steps takes gradient steps and returns the weights and states after them.
func steps(t *testing.T, n net, opt Options, count int) []float32 {
	t.Helper()
	plan, p := run[float32](t, n, opt)
	for range count {
		for i, g := range p.Grad {
			p.W[i] -= 0.05 * g
		}
		if err := plan.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	return p.W
}

// TestSameBytes trains for 100 steps twice, and for fewer with other numbers of threads
// and processors, and demands equal bits.
func TestSameBytes(t *testing.T) {
	for name, make := range nets {
		t.Run(name, func(t *testing.T) {
			opt := Options{Batch: 8, Shards: 4, Training: true, Seed: 5}
			if !slices.Equal(steps(t, make(), opt, 100), steps(t, make(), opt, 100)) {
				t.Error("another result in the second training")
			}
			want := steps(t, make(), opt, 20)
			for _, threads := range []int{1, 2, 3, 9} {
				opt.Threads = threads
				if !slices.Equal(want, steps(t, make(), opt, 20)) {
					t.Errorf("another result with Threads %d", threads)
				}
			}
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
			opt.Threads = 0
			if !slices.Equal(want, steps(t, make(), opt, 20)) {
				t.Error("another result on one processor")
			}
		})
	}
}

// TestPlansBesideEachOther runs many plans at once, all with the workers there are.
func TestPlansBesideEachOther(t *testing.T) {
	n := convnet(true)
	want := steps(t, n, Options{Batch: 8, Shards: 4, Training: true}, 10)
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			if !slices.Equal(want, steps(t, n, Options{Batch: 8, Shards: 4, Threads: 4, Training: true}, 10)) {
				t.Error("another result beside other plans")
			}
		})
	}
	wg.Wait()
}

// counting is a context that is cancelled when it is asked for the n-th time.
type counting struct {
	context.Context
	asked atomic.Int64
	n     int64
}

func (c *counting) Err() error {
	if c.asked.Add(1) >= c.n {
		return context.Canceled
	}
	return nil
}

// TestCancelled cancels a run before and in its middle. No thread begins another slice
// after that.
func TestCancelled(t *testing.T) {
	for _, threads := range []int{1, 2} {
		n := convnet(true)
		plan, _ := run[float32](t, n, Options{Batch: 64, Shards: 2, Threads: threads, Training: true, SliceBytes: 1})
		whole := &counting{Context: context.Background(), n: 1 << 60}
		if err := plan.Run(whole); err != nil {
			t.Fatal(err)
		}
		slices, most := whole.asked.Load(), int64(3*threads*len(plan.segments))
		if slices < 4*most {
			t.Fatalf("only %d slices in %d segments: the test shows nothing", slices, len(plan.segments))
		}
		for _, at := range []int64{1, 2, 100, slices / 2} {
			c := &counting{Context: context.Background(), n: at}
			if err := plan.Run(c); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled at slice %d: error %v", at, err)
			}
			if more := c.asked.Load() - at; more > most {
				t.Errorf("%d slices after it was cancelled at slice %d of %d", more, at, slices)
			}
		}
		if err := plan.Run(context.Background()); err != nil {
			t.Errorf("after a cancelled run: %v", err)
		}
	}
}

// TestFault gives an operator an index it has no entry for. The run ends with the
// node's name, and the next one is as if nothing had been.
func TestFault(t *testing.T) {
	g := &onnx.Graph{}
	b := onnx.NewBuilder(g, "")
	ids := b.Input("ids", onnx.Int64, onnx.Symbolic("N"), onnx.Fixed(3))
	w := b.Float32("words", []int64{4, 2}, []float32{1, 2, 3, 4, 5, 6, 7, 8})
	x := b.OpNamed("lookup", "Gather", []string{w, ids})
	loss := b.Op("ReduceMean", []string{x}, onnx.Ints("axes", 1, 2), onnx.Int("keepdims", 0))
	p, err := NewParams[float32](g, nil)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := Compile(g, p, Options{Batch: 6, Shards: 3, Threads: 3, Opset: 13, Losses: []string{loss}})
	if err != nil {
		t.Fatal(err)
	}
	want := float64(0)
	for round := range 3 {
		in := plan.Input(ids)
		for i := range in {
			in[i] = float32(i % 4)
		}
		if round == 1 {
			in[10] = 4
		}
		err := plan.Run(context.Background())
		var named *onnx.Error
		switch {
		case round == 1 && (!errors.As(err, &named) || named.Node != "lookup" || named.Op != "Gather" || !strings.Contains(err.Error(), "index 4 is outside an axis of 4 positions")):
			t.Errorf("error %v, want one that names node, operator and index", err)
		case round != 1 && err != nil:
			t.Error(err)
		case round == 0:
			want = plan.Loss()
		case round == 2 && plan.Loss() != want:
			t.Errorf("loss %g after a failed run, %g before it", plan.Loss(), want)
		}
	}
}
