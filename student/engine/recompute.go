// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// swap is a tensor that a step finds in the place of another.
type swap[T kernel.Float] struct{ old, new *tensor[T] }

// swapped is whose memory the step finds in the place of t.
func (s *step[T]) swapped(t *tensor[T]) *tensor[T] {
	t = t.root()
	for _, w := range s.swaps {
		if w.old == t {
			return w.new
		}
	}
	return t
}

// recompute finds outputs that a later segment of the backward pass reads, and that
// are cheaper computed again there, slice by slice, than written to memory and read
// back: those of op.Kernel.Again, whose input is kept in any case. Each segment that
// reads one has it from a step of its own before the first reader.
func (p *Plan[T]) recompute() {
	again := map[*tensor[T]]bool{}
	for _, n := range p.nodes {
		k := n.kernel
		if !n.needed || !n.back || k.Again == nil || k.Whole || !slices.Contains(k.ReadsIn, 0) || again[n.in[0].root()] {
			continue
		}
		t := n.out[0]
		if !t.Batched || t.alias != nil || p.read(t) {
			continue
		}
		for i := range p.segments {
			seg := &p.segments[i]
			first, made := -1, false
			for j := range seg.steps {
				s := &seg.steps[j]
				made = made || s.node == n && !s.back
				if !s.reads(t) {
					continue
				}
				if first < 0 {
					first = j
				}
			}
			if first < 0 || made || seg.whole {
				continue
			}
			again[t] = true
			u := &tensor[T]{name: t.name, Operand: t.Operand, producer: t.producer, needed: true}
			for j := range seg.steps {
				if s := &seg.steps[j]; s.reads(t) {
					s.swaps = append(s.swaps, swap[T]{t, u})
				}
			}
			seg.steps = slices.Insert(seg.steps, first, step[T]{node: n, again: u, phase: k.OutPhase, swaps: []swap[T]{{t, u}}})
		}
	}
}

// read says whether t, or what shares its memory, is read after a run.
func (p *Plan[T]) read(t *tensor[T]) bool {
	return slices.ContainsFunc(slices.Concat(p.opt.Outputs, p.opt.Losses), func(name string) bool { return p.tensors[name].root() == t })
}

// reads says whether a step of the backward pass reads the values of t.
func (s *step[T]) reads(t *tensor[T]) bool {
	if !s.back || s.node == nil {
		return false
	}
	for i, in := range s.node.in {
		if in != nil && in.root() == t && s.touchesIn(i) {
			return true
		}
	}
	for i, out := range s.node.out {
		if out.root() == t && s.touchesOut(i) {
			return true
		}
	}
	return false
}
