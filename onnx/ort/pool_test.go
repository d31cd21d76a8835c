// SPDX-License-Identifier: Apache-2.0

package ort

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kdcompress/kdcompress/onnx"
)

// double returns twice its input of shape [N].
func double(b *onnx.Builder) {
	x := b.Input("x", onnx.Float32, onnx.Symbolic("n"))
	b.Output(b.OpNamed("y", "Add", []string{x, x}), onnx.Float32, onnx.Symbolic("n"))
}

func TestMapKeepsOrder(t *testing.T) {
	library(t)
	model := encode(t, double)
	for _, c := range []struct {
		name                string
		workers, threads, n int
	}{
		{"one worker", 1, 1, 9}, {"four workers", 4, 1, 60}, {"threads", 2, 2, 20}, {"more workers than batches", 5, 1, 2}, {"nothing to do", 2, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var under, most atomic.Int64
			var got []float32
			err := Map(context.Background(), model, c.workers, c.threads, nil, c.n, func(batch int) ([]Value, error) {
				now := under.Add(1)
				for m := most.Load(); now > m && !most.CompareAndSwap(m, now); m = most.Load() {
				}
				if batch%4 == 0 {
					time.Sleep(2 * time.Millisecond) // let later batches overtake
				}
				return []Value{{Dims: []int64{1}, Type: onnx.Float32, F: []float32{float32(batch)}}}, nil
			}, func(batch int, out []Value) error {
				under.Add(-1)
				if batch != len(got) {
					return fmt.Errorf("batch %d came as number %d", batch, len(got))
				}
				got = append(got, out[0].F...)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			want := make([]float32, 0, c.n)
			for i := range c.n {
				want = append(want, float32(2*i))
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %v", got)
			}
			if m := most.Load(); m > int64(2*c.workers) {
				t.Errorf("%d batches under way, at most %d are promised", m, 2*c.workers)
			}
		})
	}
}

// TestMapError has batch 7 fail in each of the places where it can: the batches
// before it are taken, none after it, and the error is that of batch 7.
func TestMapError(t *testing.T) {
	library(t)
	broken := errors.New("broken")
	in := []Value{floats(t, []int64{1}, 1)}
	cases := []struct {
		name string
		fill func(batch int) ([]Value, error)
		take func(batch int) error
		want string
	}{
		{"fill", func(b int) ([]Value, error) {
			if b == 7 {
				time.Sleep(5 * time.Millisecond) // later ones fail sooner
			}
			if b >= 7 {
				return nil, fmt.Errorf("reading sample %d: %w", b, broken)
			}
			return in, nil
		}, func(int) error { return nil }, "batch 7: reading sample 7: broken"},
		{"take", func(int) ([]Value, error) { return in, nil }, func(b int) error {
			if b == 7 {
				return broken
			}
			return nil
		}, "batch 7: broken"},
		{"run", func(b int) ([]Value, error) {
			if b == 7 {
				return nil, nil
			}
			return in, nil
		}, func(int) error { return nil }, "batch 7: running a model: the model takes 1 inputs, not 0"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var taken int
			err := Map(context.Background(), encode(t, double), 3, 1, nil, 1000, c.fill, func(batch int, _ []Value) error {
				if err := c.take(batch); err != nil {
					return err
				}
				taken++
				return nil
			})
			if err == nil || err.Error() != c.want {
				t.Errorf("error %v, want %s", err, c.want)
			}
			if taken != 7 {
				t.Errorf("%d batches taken", taken)
			}
		})
	}
}

func TestMapStopsWithContext(t *testing.T) {
	library(t)
	before := runtime.NumGoroutine()
	for _, c := range []struct {
		name  string
		build func(*onnx.Builder)
		x     Value
	}{
		{"while running", slow, floats(t, []int64{384, 384}, make([]float32, 384*384)...)},
		{"between batches", double, floats(t, []int64{1}, 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(100*time.Millisecond, cancel)
			start := time.Now()
			err := Map(ctx, encode(t, c.build), 2, 1, nil, 1<<40, func(int) ([]Value, error) { return []Value{c.x}, nil },
				func(int, []Value) error { return nil })
			if !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "batch ") {
				t.Errorf("error %v", err)
			}
			if d := time.Since(start); d > 4*time.Second {
				t.Errorf("stopped after %v", d)
			}
		})
	}
	// What context.AfterFunc started may still be about to return.
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

func TestMapRefusesModel(t *testing.T) {
	library(t)
	if err := Map(context.Background(), []byte("text"), 2, 1, nil, 1, nil, nil); err == nil || !strings.Contains(err.Error(), "not an ONNX model") {
		t.Errorf("error %v", err)
	}
	if err := Map(context.Background(), encode(t, double), 2, 1, []string{"z"}, 1, nil, nil); err == nil || !strings.Contains(err.Error(), `no output "z"`) {
		t.Errorf("error %v", err)
	}
}

// resident is the memory that the process has in use, in MiB.
func resident(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skipf("needs Linux: %v", err)
	}
	var size, pages int
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize() >> 20
}

// TestMapMemoryIsFlat moves 200 batches of 8 MiB in and 8 MiB out. Keeping any
// part of them would take more than the bound.
func TestMapMemoryIsFlat(t *testing.T) {
	library(t)
	const n, bound = 200, 400
	before := resident(t)
	most := 0
	err := Map(context.Background(), encode(t, double), 2, 1, nil, n, func(int) ([]Value, error) {
		return []Value{{Dims: []int64{2 << 20}, Type: onnx.Float32, F: make([]float32, 2<<20)}}, nil
	}, func(_ int, _ []Value) error {
		most = max(most, resident(t))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d MiB before, %d MiB at most", before, most)
	if most-before > bound {
		t.Errorf("memory grew from %d to %d MiB over %d batches", before, most, n)
	}
}

// TestSessionsReleaseMemory opens and closes sessions of 16 MiB of weights.
func TestSessionsReleaseMemory(t *testing.T) {
	library(t)
	const n, bound = 40, 300
	model := encode(t, func(b *onnx.Builder) {
		x := b.Input("x", onnx.Float16, onnx.Symbolic("n"), onnx.Fixed(2048))
		f := b.Op("Cast", []string{x}, onnx.Int("to", int64(onnx.Float32)))
		y := b.Op("MatMul", []string{f, b.Float32("w", []int64{2048, 2048}, make([]float32, 2048*2048))})
		b.Output(b.Op("Cast", []string{y}, onnx.Int("to", int64(onnx.Float16))), onnx.Float16, onnx.Symbolic("n"), onnx.Fixed(2048))
	})
	x := numbersOf(t, onnx.Float16, []int64{1, 2048}, make([]float32, 2048)...)
	before := 0
	for i := range n {
		s, err := Open(model, Options{})
		if err != nil {
			t.Fatal(err)
		}
		b, err := s.Bind([]Value{x})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(b.Run(), s.Close()); err != nil {
			t.Fatal(err)
		}
		if i == 4 {
			before = resident(t)
		}
	}
	t.Logf("%d MiB after 5 sessions, %d MiB after %d", before, resident(t), n)
	if after := resident(t); after-before > bound {
		t.Errorf("memory grew from %d to %d MiB over %d sessions", before, after, n)
	}
}
