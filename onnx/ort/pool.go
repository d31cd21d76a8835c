// SPDX-License-Identifier: Apache-2.0

package ort

import (
	"context"
	"fmt"
	"sync"
)

// Map runs a model over the batches 0 to n-1: fill makes the inputs of a batch,
// take receives its outputs. Several workers run the model at the same time. With
// one thread they share a session, which computes in whichever worker calls it
// and holds the weights once; with more, each has a session of its own with that
// many threads. outputs chooses what is fetched as Options.Outputs does.
//
// fill is called by the workers, several at a time, with batches handed out in
// order. take is called from the calling goroutine, one batch after another in
// order; the outputs are its own. At most 2*workers batches exist at any time.
//
// The first batch that fails ends Map with its error, after take has had every
// batch before it. When ctx ends, the error wraps ctx.Err. All workers have
// ended and all sessions are closed when Map returns.
func Map(ctx context.Context, model []byte, workers, threads int, outputs []string, n int,
	fill func(batch int) ([]Value, error), take func(batch int, out []Value) error) (err error) {
	if workers < 1 || threads < 1 {
		panic("ort: Map needs a worker and a thread")
	}
	workers = max(1, min(workers, n))
	ctx, cancel := context.WithCancel(ctx)
	p := pool{
		fill:    fill,
		tickets: make(chan int, 2*workers),
		done:    make(chan result, 2*workers),
	}
	var wg sync.WaitGroup
	defer func() {
		cancel()
		wg.Wait()
		for _, s := range p.sessions {
			if cerr := s.Close(); cerr != nil && err == nil {
				err = fmt.Errorf("closing a session: %w", cerr)
			}
		}
	}()
	count := workers
	if threads == 1 {
		count = 1
	}
	for range count {
		s, err := Open(model, Options{Threads: threads, Outputs: outputs})
		if err != nil {
			return err
		}
		p.sessions = append(p.sessions, s)
	}
	for i := range workers {
		wg.Go(func() { p.work(ctx, p.sessions[i%count]) })
	}
	issued := 0
	for ; issued < min(n, 2*workers); issued++ {
		p.tickets <- issued
	}
	early := make(map[int]result, 2*workers)
	for next := 0; next < n; {
		r, ok := early[next]
		if !ok {
			select {
			case r = <-p.done:
				early[r.batch] = r
			case <-ctx.Done():
				return fmt.Errorf("batch %d: %w", next, ctx.Err())
			}
			continue
		}
		delete(early, next)
		if r.err == nil {
			r.err = take(next, r.out)
		}
		if r.err != nil {
			return fmt.Errorf("batch %d: %w", next, r.err)
		}
		next++
		if issued < n {
			p.tickets <- issued
			issued++
		}
	}
	return nil
}

// pool connects Map with its workers. Both channels hold as many entries as
// there are batches under way, so that sending never blocks.
type pool struct {
	fill     func(batch int) ([]Value, error)
	sessions []*Session
	tickets  chan int
	done     chan result
}

type result struct {
	batch int
	out   []Value
	err   error
}

func (p *pool) work(ctx context.Context, s *Session) {
	for {
		select {
		case <-ctx.Done():
			return
		case batch := <-p.tickets:
			r := result{batch: batch}
			in, err := p.fill(batch)
			if err == nil {
				r.out, err = s.Run(ctx, in)
			}
			r.err = err
			p.done <- r
		}
	}
}
