// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// A table is a weight that nothing but look-ups read, such as the embeddings of a large
// vocabulary. A run adds to the gradient of the rows it looks up alone, so only those
// are cleared and summed over the shards; in Params.Grad the other rows are zero.
type table[T kernel.Float] struct {
	off, rows, width int // within Params.Grad
	shards           []touched
	grad             touched // rows of Params.Grad that are not zero
}

// touched is a set of rows.
type touched struct {
	list []int32
	turn uint32
	seen []uint32 // the turn a row was last listed in
}

func newTouched(rows int) touched {
	return touched{make([]int32, 0, rows), 1, make([]uint32, rows)}
}

func (t *touched) add(row int32) {
	if t.seen[row] != t.turn {
		t.seen[row] = t.turn
		t.list = append(t.list, row)
	}
}

func (t *touched) clear() {
	t.list = t.list[:0]
	if t.turn++; t.turn == 0 {
		clear(t.seen)
		t.turn = 1
	}
}

// smallTable is up to how many elements a weight is cheaper to clear as a whole.
var smallTable = 1 << 14

// findTables looks for tables among the trainable weights, and for what lies between
// them; and of that for the parts that a run clears.
func (p *Plan[T]) findTables() {
	p.findOnce()
	width := map[string]int{} // of the rows looked up; -1 where something else reads too
	for _, n := range p.nodes {
		for i, t := range n.in {
			if t == nil || t.producer >= 0 || !t.onPath || !n.back && !n.view {
				continue
			}
			per := n.kernel.Rows
			if per == 0 || i > 0 || n.view || width[t.name] != 0 && width[t.name] != per {
				per = -1
			}
			width[t.name] = per
		}
	}
	at, clean := 0, 0
	for _, q := range p.params.List {
		if p.once[q.Name] {
			p.cleared = append(p.cleared, [2]int{clean, q.Off})
			clean = q.Off + q.Len
		}
		per := width[q.Name]
		if q.State || per < 1 || q.Len < smallTable {
			continue
		}
		t := &table[T]{off: q.Off, rows: q.Len / per, width: per, grad: newTouched(q.Len / per)}
		for range p.opt.Shards {
			t.shards = append(t.shards, newTouched(t.rows))
		}
		p.tables = append(p.tables, t)
		if p.tableOf == nil {
			p.tableOf = map[string]*table[T]{}
		}
		p.tableOf[q.Name] = t
		p.dense = append(p.dense, [2]int{at, q.Off})
		at = q.Off + q.Len
		p.cleared = append(p.cleared, [2]int{clean, q.Off})
		clean = at
	}
	p.dense = append(p.dense, [2]int{at, len(p.params.Grad)})
	p.cleared = append(p.cleared, [2]int{clean, len(p.params.Grad)})
}

// findOnce looks for weights that one node alone adds to the gradient of, and sets it at
// the first slice of a shard.
func (p *Plan[T]) findOnce() {
	readers := map[string]int{}
	for _, n := range p.nodes {
		for _, t := range n.in {
			if t != nil {
				readers[t.name]++
			}
		}
	}
	lens := map[string]int{}
	for _, q := range p.params.List {
		if !q.State {
			lens[q.Name] = q.Len
		}
	}
	p.once = map[string]bool{}
	for _, n := range p.nodes {
		if !n.back || n.view || n.kernel.Whole || len(n.kernel.Backward) != 1 {
			continue
		}
		for _, i := range n.kernel.Sets {
			if i >= len(n.in) {
				continue
			}
			if t := n.in[i]; t != nil && !t.Batched && t.onPath && t.producer < 0 && readers[t.name] == 1 && lens[t.name] >= smallTable {
				p.once[t.name] = true
			}
		}
	}
}

// mark notes the rows that a slice of a shard looks up.
func (t *table[T]) mark(shard int, at []T) {
	s := &t.shards[shard]
	for _, v := range at {
		row := int(v)
		if row < 0 {
			row += t.rows
		}
		if uint(row) < uint(t.rows) {
			s.add(int32(row))
		}
	}
}

func (t *table[T]) row(sums []T, row int32) []T {
	return sums[t.off+int(row)*t.width:][:t.width]
}

// clearWeights sets the gradients of weights that shard s adds up to zero.
func (p *Plan[T]) clearWeights(s int) {
	if s >= len(p.sums) {
		return
	}
	for _, d := range p.cleared {
		clear(p.sums[s][d[0]:d[1]])
	}
	for _, t := range p.tables {
		for _, row := range t.shards[s].list {
			clear(t.row(p.sums[s], row))
		}
		t.shards[s].clear()
	}
}

// addBlock is how many elements are added up at a time, so that sums of several shards
// stay in the innermost cache.
const addBlock = 2048

// addShards adds up the gradients of the shards, in their order: one thread's part.
func (p *Plan[T]) addShards(thread int) {
	part := func(lo, hi int) (int, int) {
		n := hi - lo
		return lo + thread*n/p.opt.Threads, lo + (thread+1)*n/p.opt.Threads
	}
	for _, d := range p.dense {
		for lo, hi := part(d[0], d[1]); lo < hi; lo += addBlock {
			end := min(lo+addBlock, hi)
			g := p.params.Grad[lo:end]
			if len(p.sums) == 1 {
				copy(g, p.sums[0][lo:end])
				continue
			}
			kernel.AddTo(g, p.sums[0][lo:end], p.sums[1][lo:end])
			for _, more := range p.sums[2:] {
				kernel.Add(g, more[lo:end])
			}
		}
	}
	for _, t := range p.tables {
		first, last := part(0, t.rows)
		for _, row := range t.grad.list {
			if first <= int(row) && int(row) < last {
				clear(t.row(p.params.Grad, row))
			}
		}
		for s := range t.shards {
			for _, row := range t.shards[s].list {
				if first <= int(row) && int(row) < last {
					kernel.Add(t.row(p.params.Grad, row), t.row(p.sums[s], row))
				}
			}
		}
	}
}

// beginTables makes sure that what Params.Grad holds beside this plan's rows is zero:
// another plan may have written there.
func (p *Plan[T]) beginTables() {
	if len(p.sums) == 0 || p.params.by == any(p) {
		return
	}
	p.params.by = p
	for _, t := range p.tables {
		clear(p.params.Grad[t.off : t.off+t.rows*t.width])
		t.grad.clear()
	}
}

// endTables notes which rows of Params.Grad a run wrote.
func (p *Plan[T]) endTables() {
	for _, t := range p.tables {
		t.grad.clear()
		for s := range t.shards {
			for _, row := range t.shards[s].list {
				t.grad.add(row)
			}
		}
	}
}
