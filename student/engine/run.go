// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/crew"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
	"github.com/kdcompress/kdcompress/student/op"
)

// slot is a buffer of a frame that moves from slice to slice.
type slot[T kernel.Float] struct {
	base  []T
	per   int
	local bool
	set   bool // the step writes to it
}

// work is a step as one shard runs it.
type work[T kernel.Float] struct {
	phase op.Phase[T]
	frame op.Frame[T]
	dst   []*[]T // where the slots go in frame
	slots []slot[T]
	zero  []slot[T]
	early []int    // as the step's
	seed  *slot[T] // set instead of phase: a gradient to fill
	fill  T
	table *table[T]    // whose rows the step adds to
	sum   []*tensor[T] // shared gradients to add up over the shards first
}

// wire builds the frames of all steps.
func (p *Plan[T]) wire() {
	for i := range p.segments {
		seg := &p.segments[i]
		shards := p.opt.Shards
		if seg.whole {
			shards = 1
		}
		for j := range seg.steps {
			s := &seg.steps[j]
			s.runs = make([]work[T], shards)
			for shard := range shards {
				p.wireStep(s, &s.runs[shard], shard, seg.whole)
			}
		}
		if !seg.whole {
			seg.lookAhead(shards)
		}
	}
}

func (p *Plan[T]) slot(b *buffer, shard int) slot[T] {
	if b.class == local {
		return slot[T]{base: p.local[shard][b.off : b.off+b.per*p.segments[b.seg0].slice], per: b.per, local: true}
	}
	return slot[T]{base: p.arena[b.off : b.off+b.per*p.opt.Batch], per: b.per}
}

func (p *Plan[T]) wireStep(s *step[T], w *work[T], shard int, whole bool) {
	w.frame = op.Frame[T]{Shard: shard, Scratch: p.scratch[shard]}
	if s.seed != nil {
		w.fill = 1
		if s.seed.perSample(p.opt.Batch) {
			w.fill = T(1 / float64(s.seed.Len()))
		}
		if s.seed.Batched {
			sl := p.slot(&s.seed.root().grad, shard)
			w.seed = &sl
		} else {
			w.seed = &slot[T]{base: s.seed.grads[0], per: 0}
		}
		return
	}
	f, k := &w.frame, s.node.kernel
	phases := k.Forward
	if s.back {
		phases = k.Backward
	}
	w.phase = phases[s.phase]
	if s.again != nil {
		w.phase = k.Again
	}
	attach := func(dst *[]T, b *buffer, set bool) {
		if b.class != nowhere {
			w.dst = append(w.dst, dst)
			sl := p.slot(b, shard)
			sl.set = set
			w.slots = append(w.slots, sl)
		}
	}
	value := func(list []*tensor[T], dst []([]T), set bool, touched func(i int) bool) {
		for i, t := range list {
			switch {
			case t == nil || t.Batched && !touched(i):
			case !t.Batched:
				dst[i] = t.fixed
			default:
				attach(&dst[i], &s.swapped(t).value, set)
			}
		}
	}
	grad := func(list []*tensor[T], dst []([]T), set bool, touched func(i int) bool) {
		for i, t := range list {
			switch {
			case t == nil || !t.onPath || t.Batched && !touched(i):
			case !t.Batched:
				dst[i] = t.grads[shard]
			default:
				attach(&dst[i], &t.root().grad, set)
			}
		}
	}
	f.In, f.Out = make([][]T, len(s.node.in)), make([][]T, len(s.node.out))
	value(s.node.in, f.In, false, s.touchesIn)
	value(s.node.out, f.Out, !s.back, s.touchesOut)
	if s.back {
		f.Fresh, w.early = slices.Clone(s.fresh), s.early
		if k.Rows > 0 && s.node.in[0] != nil && s.node.in[0].onPath {
			w.table = p.tableOf[s.node.in[0].name]
		}
		f.DIn, f.DOut = make([][]T, len(s.node.in)), make([][]T, len(s.node.out))
		grad(s.node.in, f.DIn, true, s.touchesDIn)
		grad(s.node.out, f.DOut, false, func(int) bool { return true })
		if whole {
			for _, t := range s.node.out {
				if !t.Batched && t.onPath && s.phase == 0 {
					w.sum = append(w.sum, t)
				}
			}
		}
	}
	attach(&f.Saved, &s.node.saved, !s.back)
	for _, t := range s.zero {
		w.zero = append(w.zero, p.slot(&t.grad, shard))
	}
}

// SetRun sets the number of runs done, on which random draws depend. A resumed
// training calls it so that its draws go on where they stopped.
func (p *Plan[T]) SetRun(n uint64) { p.run = n }

// Run computes the graph on the whole batch: the forward pass, and where the
// plan has losses the gradients of the trainable weights, left in Params.Grad.
// A cancelled context ends it within a slice's time with the context's error, and
// samples that an operator has no result for, such as an index outside its axis, with
// an error that names the node; buffers and states are then undefined.
func (p *Plan[T]) Run(ctx context.Context) error {
	p.run++
	p.ctx = ctx
	for i := range p.next {
		p.next[i].Store(0)
	}
	p.stopped.Store(false)
	p.beginTables()
	crew.Together(p, p.opt.Threads, p.done)
	p.endTables()
	p.ctx = nil
	if p.stopped.Load() {
		return p.failure()
	}
	return ctx.Err()
}

// stop is why a run ended early: the first step that failed, and how.
type stop struct {
	sync.Mutex
	node  *onnx.Node
	value any
	stack []byte
}

// failed keeps what was recovered in a step.
func (p *Plan[T]) failed(at *step[T], value any) {
	p.stop.Lock()
	defer p.stop.Unlock()
	if p.stopped.Swap(true) {
		return
	}
	p.stop.value, p.stop.stack, p.stop.node = value, debug.Stack(), nil
	if at != nil && at.node != nil {
		p.stop.node = at.node.def
	}
}

// failure is the error of a run that stopped. What is no fault of the samples is a
// mistake in the program and goes on as a panic.
func (p *Plan[T]) failure() error {
	var fault *op.Fault
	err, _ := p.stop.value.(error)
	n := p.stop.node
	switch {
	case errors.As(err, &fault) && n != nil:
		return &onnx.Error{Node: n.Name, Op: n.OpType, Err: fault}
	case n != nil:
		panic(fmt.Sprintf("engine: node %q (%s): %v\n\n%s", n.Name, n.OpType, p.stop.value, p.stop.stack))
	}
	panic(fmt.Sprintf("engine: %v\n\n%s", p.stop.value, p.stop.stack))
}

// ending says whether the rest of the run is to be skipped.
func (p *Plan[T]) ending() bool { return p.stopped.Load() || p.ctx.Err() != nil }

// Part runs one thread's part of every segment: the shards that no other has begun.
// All threads take part in every wait, whatever happens.
func (p *Plan[T]) Part(thread int) {
	for s := thread; s < p.opt.Shards; s += p.opt.Threads {
		p.clearSums(s)
	}
	for i := range p.segments {
		p.barrier.Wait()
		seg := &p.segments[i]
		if seg.whole {
			if thread == 0 && !p.ending() {
				p.walk(seg, 0)
			}
			continue
		}
		for {
			s := int(p.next[i].Add(1)) - 1
			if s >= p.opt.Shards || p.ending() {
				break
			}
			if seg.backwards {
				s = p.opt.Shards - 1 - s
			}
			p.walk(seg, s)
		}
	}
	if len(p.sums) > 1 {
		p.barrier.Wait()
		p.addShards(thread)
	}
}

// walk runs a segment on shard s, slice after slice, or on the whole batch.
func (p *Plan[T]) walk(seg *segment[T], s int) {
	var at *step[T]
	defer func() {
		if r := recover(); r != nil {
			p.failed(at, r)
		}
	}()
	exec := func(run, lo, hi int, first, last bool) {
		for j := range seg.steps {
			at = &seg.steps[j]
			p.exec(&at.runs[run], lo, hi, first, last)
		}
	}
	if seg.whole {
		exec(0, 0, p.opt.Batch, true, true)
		return
	}
	begin, end := p.bounds[s], p.bounds[s+1]
	slices := (end - begin + seg.slice - 1) / seg.slice
	bounds := func(i int) (lo, hi int) {
		if seg.backwards {
			i = slices - 1 - i
		}
		lo = begin + i*seg.slice
		return lo, min(lo+seg.slice, end)
	}
	for i := range slices {
		if p.ending() {
			return
		}
		lo, hi := bounds(i)
		seg.next[s].list.Reset()
		if i+1 < slices {
			seg.next[s].want(bounds(i + 1))
		}
		exec(s, lo, hi, i == 0, i == slices-1)
	}
}

// clearSums sets the gradients of shared tensors that shard s adds up to zero.
func (p *Plan[T]) clearSums(s int) {
	p.clearWeights(s)
	for _, n := range p.nodes {
		for _, t := range n.out {
			if !t.Batched && t.onPath {
				clear(t.grads[s])
			}
		}
	}
}

// exec runs a step on the samples lo to hi, the first or the last slice of a shard.
func (p *Plan[T]) exec(w *work[T], lo, hi int, first, last bool) {
	if w.seed != nil {
		g := w.seed.view(lo, hi)
		for i := range g {
			g[i] = w.fill
		}
		return
	}
	for i := range w.zero {
		clear(w.zero[i].view(lo, hi))
	}
	for _, t := range w.sum {
		for _, part := range t.grads[1:] {
			kernel.Add(t.grads[0], part)
		}
	}
	for i := range w.slots {
		*w.dst[i] = w.slots[i].view(lo, hi)
	}
	f := &w.frame
	if w.table != nil {
		w.table.mark(f.Shard, f.In[1])
	}
	for _, i := range w.early {
		f.Fresh[i] = first
	}
	f.N, f.At, f.First, f.Last, f.Run = hi-lo, lo, first, last, p.run
	w.phase(f)
}

func (s *slot[T]) view(lo, hi int) []T {
	switch {
	case s.per == 0:
		return s.base
	case s.local:
		return s.base[:(hi-lo)*s.per]
	}
	return s.base[lo*s.per : hi*s.per]
}
