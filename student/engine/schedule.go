// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// step is one phase of one node's forward or backward pass, or the seeding of an
// objective's gradient.
type step[T kernel.Float] struct {
	node  *node[T]
	seed  *tensor[T] // set instead of node
	back  bool
	phase int
	again *tensor[T]   // set where the node's first output is computed again, as this
	swaps []swap[T]    // what the step reads in place of others
	zero  []*tensor[T] // batched gradients this step is the first to add to
	fresh []bool       // those it is the first to set, by input; nil where there are none
	early []int        // inputs that are weights whose gradient it sets at the first slice
	runs  []work[T]    // one a shard; one in all where the segment is whole
}

// touchesIn says whether the step reads the values of the node's input i.
func (s *step[T]) touchesIn(i int) bool {
	switch {
	case s.again != nil:
		return i == 0
	case s.back:
		return slices.Contains(s.node.kernel.ReadsIn, i)
	}
	return true
}

// touchesOut says whether the step reads or writes the values of output i.
func (s *step[T]) touchesOut(i int) bool {
	switch {
	case s.again != nil:
		return i == 0
	case s.back:
		return slices.Contains(s.node.kernel.ReadsOut, i)
	}
	return s.phase >= s.node.kernel.OutPhase
}

// touchesDIn says whether the step clears or adds to the gradient of input i.
func (s *step[T]) touchesDIn(i int) bool {
	k, t := s.node.kernel, s.node.in[i]
	return s.back && (k.DInPhase == nil || k.DInPhase[i] == s.phase || t != nil && slices.Contains(s.zero, t.root()))
}

// segment is a run of steps that every shard walks without waiting for another.
type segment[T kernel.Float] struct {
	steps []step[T]
	slice int       // samples a slice
	next  []next[T] // by shard
	whole bool      // one kernel on the whole batch, on one goroutine
	// backwards says that the last samples come first. Every other segment goes
	// backwards, so that it begins with what the one before it has left in the cache.
	backwards bool
}

// schedule orders the steps and cuts them into segments.
func (p *Plan[T]) schedule() {
	for _, n := range p.nodes {
		if !n.needed || n.view {
			continue
		}
		for i := range n.kernel.Forward {
			p.add(step[T]{node: n, phase: i}, n.kernel.Whole)
		}
	}
	written := map[*tensor[T]]bool{}
	for _, name := range p.opt.Losses {
		t := p.tensors[name]
		written[t.root()] = true
		p.add(step[T]{seed: t, back: true}, !t.Batched)
	}
	for i := len(p.nodes) - 1; i >= 0; i-- {
		n := p.nodes[i]
		if !n.back || n.view {
			continue
		}
		fresh := make([]bool, len(n.in))
		var early []int
		zero := make([][]*tensor[T], len(n.kernel.Backward)) // by phase
		for i, t := range n.in {
			if t == nil || !t.onPath || !t.Batched || written[t.root()] {
				if t != nil && p.once[t.name] {
					early = append(early, i)
				}
				continue
			}
			t = t.root()
			written[t] = true
			once := !slices.ContainsFunc(n.in[i+1:], func(o *tensor[T]) bool { return o != nil && o.root() == t })
			if fresh[i] = once && slices.Contains(n.kernel.Sets, i); !fresh[i] {
				at := 0
				if n.kernel.DInPhase != nil && once {
					at = n.kernel.DInPhase[i]
				}
				zero[at] = append(zero[at], t)
			}
		}
		for phase := range n.kernel.Backward {
			p.add(step[T]{node: n, back: true, phase: phase, zero: zero[phase], fresh: fresh, early: early}, n.kernel.Whole)
		}
	}
}

// add appends a step to the last segment, or begins a new one where shards must
// wait for each other first.
func (p *Plan[T]) add(s step[T], whole bool) {
	last := len(p.segments) - 1
	if last < 0 || whole || p.segments[last].whole || s.phase > 0 {
		p.segments = append(p.segments, segment[T]{whole: whole, backwards: last%2 == 0})
		last++
	}
	p.segments[last].steps = append(p.segments[last].steps, s)
}
