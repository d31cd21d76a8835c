// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// next is what a shard's next slice of a segment needs of the memory that holds whole
// batches, first what the steps write: a store that misses the cache waits for longest.
type next[T kernel.Float] struct {
	slots []slot[T]
	list  kernel.Ahead[T]
}

// want lists it for the samples lo to hi.
func (n *next[T]) want(lo, hi int) {
	for i := range n.slots {
		n.list.Want(n.slots[i].view(lo, hi))
	}
}

// lookAhead gives the steps of every shard the list of what its next slice needs.
func (seg *segment[T]) lookAhead(shards int) {
	seg.next = make([]next[T], shards)
	for shard := range shards {
		n := &seg.next[shard]
		for _, set := range []bool{true, false} {
			for i := range seg.steps {
				w := &seg.steps[i].runs[shard]
				w.frame.Ahead = &n.list
				for _, s := range w.slots {
					known := func(o slot[T]) bool { return &o.base[0] == &s.base[0] }
					if s.set == set && !s.local && s.per > 0 && !slices.ContainsFunc(n.slots, known) {
						n.slots = append(n.slots, s)
					}
				}
			}
		}
	}
}
