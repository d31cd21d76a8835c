// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/kdcompress/kdcompress/onnx/ort"
)

// LatencyOptions says how two sessions are timed.
type LatencyOptions struct {
	Batch   int           // samples in a run; 1 if zero
	Threads int           // threads of a session; 1 if zero
	MinRuns int           // runs of each session that suffice; 200 if zero
	Budget  time.Duration // time for everything; 5 s if zero
	Seed    uint64        // of the inputs, the order within a pair and the interval
	Dims    [][]int       // dimensions of one sample of each input, where the models leave them open
}

const (
	defaultRuns   = 200
	defaultBudget = 5 * time.Second
	// fewestRuns are made even if they take longer than the budget.
	fewestRuns = 10
	// mostRuns bound the samples kept for models that take microseconds.
	mostRuns = 10000
)

// LatencyPair is what two sessions took, run in turn. Ratio is the ratio of
// medians A / B, CI95 its interval. Load is the median time of a session's
// creation in milliseconds. Short says that the budget ended before MinRuns.
type LatencyPair struct {
	A, B         LatencyStat
	LoadA, LoadB float64
	Ratio        float64
	CI95         Interval
	Short        bool
}

// Latency times two models, one run of each in turn and in random order within a
// pair, so that both meet the same state of the machine and each pays for the
// caches the other fills. A tenth of the budget warms them up; then it measures
// until the budget is spent, or a quarter of it where MinRuns suffice. Inputs and outputs
// stay in place: a run includes no copying and no allocation in Go.
func Latency(ctx context.Context, a, b []byte, o LatencyOptions) (LatencyPair, error) {
	o = o.filled()
	var pair LatencyPair
	loads, err := loadTimes(ctx, [2][]byte{a, b}, o)
	if err != nil {
		return pair, err
	}
	pair.LoadA, pair.LoadB = Quantile(0.5, loads[0]), Quantile(0.5, loads[1])
	times, err := runTimes(ctx, [][]byte{a, b}, o)
	if err != nil {
		return pair, err
	}
	pair.A, pair.B = o.stat(times[0]), o.stat(times[1])
	pair.Ratio, pair.CI95 = MedianRatio(times[0], times[1], o.Seed)
	pair.Short = len(times[0]) < o.MinRuns
	return pair, nil
}

// Latencies times several models, a run of each in turn and in random order, as
// Latency times two. Ratios are those of the first model's median to each one's,
// with their intervals; the first is 1.
func Latencies(ctx context.Context, models [][]byte, o LatencyOptions) (stats []LatencyStat, ratios []float64, ci []Interval, err error) {
	o = o.filled()
	times, err := runTimes(ctx, models, o)
	if err != nil {
		return nil, nil, nil, err
	}
	for i, t := range times {
		ratio, interval := 1.0, Interval{1, 1}
		if i > 0 {
			ratio, interval = MedianRatio(times[0], t, o.Seed)
		}
		stats, ratios, ci = append(stats, o.stat(t)), append(ratios, ratio), append(ci, interval)
	}
	return stats, ratios, ci, nil
}

// runTimes opens a session of each model and times their runs in turn, in
// milliseconds.
func runTimes(ctx context.Context, models [][]byte, o LatencyOptions) ([][]float64, error) {
	runs := make([]*ort.Bound, len(models))
	for i, model := range models {
		s, err := ort.Open(model, ort.Options{Threads: o.Threads, NumbersOnly: true})
		if err != nil {
			return nil, fmt.Errorf("latency of model %d: %w", i+1, err)
		}
		defer s.Close()
		if runs[i], err = bind(s, o); err != nil {
			return nil, fmt.Errorf("latency of model %d: %w", i+1, err)
		}
		defer runs[i].Close()
	}
	times, err := alternate(ctx, runs, o)
	if err != nil {
		return nil, fmt.Errorf("latency: %w", err)
	}
	return times, nil
}

func (o LatencyOptions) filled() LatencyOptions {
	if o.Batch == 0 {
		o.Batch = 1
	}
	if o.Threads == 0 {
		o.Threads = 1
	}
	if o.MinRuns == 0 {
		o.MinRuns = defaultRuns
	}
	if o.Budget == 0 {
		o.Budget = defaultBudget
	}
	if o.Batch < 0 || o.Threads < 0 || o.MinRuns < 0 || o.Budget < 0 {
		panic("report: negative latency option")
	}
	return o
}

func (o LatencyOptions) stat(ms []float64) LatencyStat {
	return LatencyStat{
		Batch: o.Batch, Threads: o.Threads, Runs: len(ms), Samples: ms,
		P50: Quantile(0.5, ms), P95: Quantile(0.95, ms), P99: Quantile(0.99, ms),
	}
}

func bind(s *ort.Session, o LatencyOptions) (*ort.Bound, error) {
	if fixed := fixedBatch(s.Inputs()); fixed != 0 && fixed != o.Batch {
		return nil, fmt.Errorf("the model takes batches of %d, not %d", fixed, o.Batch)
	}
	in, err := invent(s.Inputs(), o.Batch, o.Dims, o.Seed)
	if err != nil {
		return nil, err
	}
	return s.Bind(in)
}

// loadTimes opens each model in turn, three times where a sixth of the budget allows it.
func loadTimes(ctx context.Context, models [2][]byte, o LatencyOptions) (ms [2][]float64, err error) {
	start := time.Now()
	for n := 0; n < 3 && (n == 0 || time.Since(start) < o.Budget/6); n++ {
		for i, model := range models {
			if err := ctx.Err(); err != nil {
				return ms, err
			}
			began := time.Now()
			s, err := ort.Open(model, ort.Options{Threads: o.Threads, NumbersOnly: true})
			ms[i] = append(ms[i], sinceMS(began))
			if err == nil {
				err = s.Close()
			}
			if err != nil {
				return ms, fmt.Errorf("latency of model %d: %w", i+1, err)
			}
		}
	}
	return ms, nil
}

// alternate runs all bindings in turn and returns what each run took in
// milliseconds, the same number for each.
func alternate(ctx context.Context, runs []*ort.Bound, o LatencyOptions) ([][]float64, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ms := make([][]float64, len(runs))
	for i := range ms {
		ms[i] = make([]float64, 0, mostRuns)
	}
	order := rand.New(rand.NewPCG(o.Seed, 0x6f72646572))
	start := time.Now()
	for warm := true; ; {
		for _, i := range order.Perm(len(runs)) {
			began := time.Now()
			err := runs[i].Run()
			if took := sinceMS(began); !warm {
				ms[i] = append(ms[i], took)
			}
			if err := errors.Join(err, ctx.Err()); err != nil {
				return ms, err
			}
		}
		spent, n := time.Since(start), len(ms[0])
		switch {
		case warm:
			warm = spent < o.Budget/10
		case n == mostRuns,
			n >= o.MinRuns && spent >= o.Budget/4,
			n >= fewestRuns && spent >= o.Budget:
			return ms, nil
		}
	}
}

// sinceMS is the time since began in milliseconds, at least a nanosecond, so
// that it divides.
func sinceMS(began time.Time) float64 {
	return max(float64(time.Since(began).Nanoseconds()), 1) / 1e6
}
