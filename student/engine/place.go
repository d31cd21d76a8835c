// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"sort"
)

type class int

const (
	nowhere class = iota
	local         // lives within one segment: a slice's worth in each shard
	global        // outlives a segment: the whole batch's worth in the arena
)

// buffer is where a batched tensor's values or gradients are kept, and when.
type buffer struct {
	class       class
	off         int // in elements, of the arena or of a shard's working set
	per         int // elements a sample
	used        bool
	seg0, step0 int // first use
	seg1, step1 int // last use
}

func (b *buffer) use(seg, step int) {
	if !b.used {
		b.used, b.seg0, b.step0 = true, seg, step
	}
	b.seg1, b.step1 = seg, step
}

// defaultSliceBytes is about the second-level cache of one core.
const defaultSliceBytes = 512 << 10

// place decides where every batched tensor lives and allocates the memory.
// Buffers whose lives do not overlap share it.
func (p *Plan[T]) place() {
	var list []*buffer
	seen := map[*buffer]bool{}
	touched := make([]map[*buffer]bool, max(len(p.segments), 1))
	note := func(b *buffer, per, seg, step int) {
		if touched[seg] == nil {
			touched[seg] = map[*buffer]bool{}
		}
		touched[seg][b] = true
		if !seen[b] {
			seen[b] = true
			b.per = per
			list = append(list, b)
		}
		b.use(seg, step)
	}
	end := len(p.segments) - 1
	value := func(t *tensor[T], seg, step int) {
		if t != nil && t.Batched {
			t = t.root()
			note(&t.value, t.per(p.opt.Batch), seg, step)
		}
	}
	grad := func(t *tensor[T], seg, step int) {
		if t != nil && t.Batched && t.onPath {
			t = t.root()
			note(&t.grad, t.per(p.opt.Batch), seg, step)
		}
	}
	kept := map[*buffer]bool{}
	for _, t := range p.sorted() {
		if t.Batched && (t.producer < 0 || slices.Contains(p.opt.Outputs, t.name) || slices.Contains(p.opt.Losses, t.name)) {
			value(t, 0, 0)
			kept[&t.root().value] = true
		}
	}
	for i, seg := range p.segments {
		for j, s := range seg.steps {
			if s.seed != nil {
				grad(s.seed, i, j)
				continue
			}
			n, k := s.node, s.node.kernel
			if k.Saved > 0 {
				note(&n.saved, k.Saved, i, j)
			}
			for x, t := range n.in {
				if t != nil && s.touchesIn(x) {
					value(s.swapped(t), i, j)
				}
				if s.touchesDIn(x) {
					grad(t, i, j)
				}
			}
			for x, t := range n.out {
				if s.touchesOut(x) {
					value(s.swapped(t), i, j)
				}
			}
			if !s.back {
				continue
			}
			for _, t := range n.out {
				grad(t, i, j)
			}
		}
	}
	var globals []*buffer
	locals := make([][]*buffer, len(p.segments))
	for _, b := range list {
		switch {
		case kept[b]:
			b.class, b.seg0, b.seg1 = global, 0, end
		case b.seg0 != b.seg1 || p.segments[b.seg0].whole:
			b.class = global
		default:
			b.class = local
		}
		if b.class == global {
			globals = append(globals, b)
		} else {
			locals[b.seg0] = append(locals[b.seg0], b)
		}
	}
	for i := range p.segments {
		p.chooseSlice(&p.segments[i], locals[i], touched[i])
	}
	p.arena = hugePages(make([]T, pack(globals, p.opt.Batch, func(b *buffer) (int, int) { return b.seg0, b.seg1 })))
	working := 0
	for i, bs := range locals {
		working = max(working, pack(bs, p.segments[i].slice, func(b *buffer) (int, int) { return b.step0, b.step1 }))
	}
	scratch, whole := 0, 0
	for i := range p.segments {
		seg := &p.segments[i]
		for _, s := range seg.steps {
			switch {
			case s.node == nil:
			case seg.whole:
				whole = max(whole, s.node.kernel.Scratch+s.node.kernel.ScratchPer*p.opt.Batch)
			default:
				scratch = max(scratch, s.node.kernel.Scratch+s.node.kernel.ScratchPer*seg.slice)
			}
		}
	}
	for s := range p.opt.Shards {
		p.local = append(p.local, hugePages(make([]T, working)))
		if s == 0 {
			p.scratch = append(p.scratch, make([]T, max(scratch, whole)))
			continue
		}
		p.scratch = append(p.scratch, make([]T, scratch))
	}
	p.placeShared()
}

// placeShared gives every shard its own sums for the gradients of shared tensors.
func (p *Plan[T]) placeShared() {
	if len(p.opt.Losses) == 0 {
		return
	}
	p.sums = [][]T{p.params.Grad}
	if p.opt.Shards > 1 {
		p.sums = nil
		for range p.opt.Shards {
			p.sums = append(p.sums, make([]T, len(p.params.Grad)))
		}
	}
	for _, t := range p.sorted() {
		if t.Batched || !t.onPath || t.alias != nil {
			continue
		}
		for s := range p.opt.Shards {
			if i, ok := p.params.index[t.name]; ok && t.producer < 0 {
				q := p.params.List[i]
				t.grads = append(t.grads, p.sums[s][q.Off:q.Off+q.Len])
				continue
			}
			t.grads = append(t.grads, make([]T, t.Len()))
		}
	}
	for _, t := range p.tensors {
		if t.alias != nil {
			t.grads = t.alias.grads
		}
	}
}

// chooseSlice picks the samples a slice of a segment. Whatever the segment touches
// should stay in the cache; where the weights alone exceed it, a slice is made large
// enough that reading them once a slice costs no more than reading the activations.
func (p *Plan[T]) chooseSlice(seg *segment[T], locals []*buffer, touched map[*buffer]bool) {
	peak := max(pack(locals, 1, func(b *buffer) (int, int) { return b.step0, b.step1 }), 1)
	for b := range touched {
		if b.class == global {
			peak += b.per
		}
	}
	weights, together := 0, 1
	seen := map[*tensor[T]]bool{}
	for _, s := range seg.steps {
		if s.node == nil {
			continue
		}
		together = max(together, s.node.kernel.Together)
		for _, t := range s.node.in {
			if t != nil && !t.Batched && !seen[t] {
				seen[t] = true
				weights += t.Len()
			}
		}
	}
	var zero T
	size := 8
	if _, ok := any(zero).(float32); ok {
		size = 4
	}
	budget := p.opt.SliceBytes
	if budget == 0 {
		budget = defaultSliceBytes
	}
	seg.slice = max(budget/(peak*size), together)
	if weights*size > budget {
		seg.slice = max(seg.slice, weights/peak)
	}
	largest := 0
	for s := range p.opt.Shards {
		largest = max(largest, p.bounds[s+1]-p.bounds[s])
	}
	seg.slice = min(seg.slice, largest)
}

// pack gives offsets to buffers so that those alive at once do not overlap, and
// returns the elements needed in all. Larger buffers go first.
func pack(list []*buffer, samples int, life func(*buffer) (int, int)) int {
	const align = 16
	order := slices.Clone(list)
	sort.SliceStable(order, func(i, j int) bool { return order[i].per > order[j].per })
	var placed []*buffer
	total := 0
	size := func(b *buffer) int { return (b.per*samples + align - 1) / align * align }
	for _, b := range order {
		lo, hi := life(b)
		var busy []*buffer
		for _, q := range placed {
			if qlo, qhi := life(q); qlo <= hi && lo <= qhi {
				busy = append(busy, q)
			}
		}
		sort.SliceStable(busy, func(i, j int) bool { return busy[i].off < busy[j].off })
		off := 0
		for _, q := range busy {
			if q.off-off >= size(b) {
				break
			}
			off = max(off, q.off+size(q))
		}
		b.off = off
		placed = append(placed, b)
		total = max(total, off+size(b))
	}
	return total
}

// sorted lists all named tensors in a fixed order: by producer, then by name.
func (p *Plan[T]) sorted() []*tensor[T] {
	var list []*tensor[T]
	for _, t := range p.tensors {
		list = append(list, t)
	}
	sort.Slice(list, func(i, j int) bool {
		if list[i].producer != list[j].producer {
			return list[i].producer < list[j].producer
		}
		return list[i].name < list[j].name
	})
	return list
}
