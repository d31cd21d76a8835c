// SPDX-License-Identifier: Apache-2.0

// Package crew runs the parts of a task beside each other on goroutines that stay.
package crew

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// order asks a worker for one part of a task.
type order struct {
	task Task
	part int
	done *Done
}

// Task is work in parts that run beside each other and may wait for each other.
type Task interface{ Part(i int) }

// crew holds the goroutines that run parts of tasks for all callers. They are started
// when they are first wanted and sleep between two tasks.
var crew struct {
	sync.Mutex
	idle []chan order
}

// Together runs parts 0 to n-1 of a task, part 0 on the calling goroutine, and
// returns when all are through. It allocates nothing once the crew is large enough.
func Together(t Task, n int, d *Done) {
	d.left.Store(int32(n - 1))
	for i := 1; i < n; i++ {
		worker() <- order{t, i, d}
	}
	t.Part(0)
	d.wait(n)
}

// worker is a goroutine of the crew that is idle or about to be.
func worker() chan order {
	crew.Lock()
	defer crew.Unlock()
	if last := len(crew.idle) - 1; last >= 0 {
		w := crew.idle[last]
		crew.idle = crew.idle[:last]
		return w
	}
	w := make(chan order, 1)
	go func() {
		for o := range w {
			o.task.Part(o.part)
			// Idle again before the task is: a worker that waited for others would keep
			// its next order waiting for them too.
			crew.Lock()
			crew.idle = append(crew.idle, w)
			crew.Unlock()
			o.done.one()
		}
	}()
	return w
}

// Done counts the parts of a task that are still running. One goroutine waits for it,
// one task after the other.
type Done struct {
	left atomic.Int32
	sleeper
}

func (d *Done) one() {
	if d.left.Add(-1) == 0 {
		d.wake()
	}
}

func (d *Done) wait(n int) { d.until(n, func() bool { return d.left.Load() == 0 }) }

// Barrier lets n goroutines wait for each other, again and again.
type Barrier struct {
	n     int32
	count atomic.Int32
	turn  atomic.Int32
	sleeper
}

// Wait returns when all goroutines have called it.
func (b *Barrier) Wait() {
	if b.n == 1 {
		return
	}
	turn := b.turn.Load()
	if b.count.Add(1) == b.n {
		b.count.Store(0)
		b.turn.Add(1)
		b.wake()
		return
	}
	b.until(int(b.n), func() bool { return b.turn.Load() != turn })
}

// spinning is how long a goroutine looks for what it waits for before it sleeps:
// about as long as falling asleep and waking take.
const spinning = 30 * time.Microsecond

// sleeper is a place to wait at: actively for a short while, because most waits are
// shorter than sleep, then asleep, so that a machine with other work has its
// processor back.
type sleeper struct {
	mu   sync.Mutex
	cond *sync.Cond
}

// until returns when what is true. Whoever makes it true calls wake afterwards. n is
// how many goroutines run beside each other: with fewer processors none spins.
func (s *sleeper) until(n int, what func() bool) {
	if what() {
		return
	}
	if runtime.GOMAXPROCS(0) >= n {
		for begin := time.Now(); time.Since(begin) < spinning; {
			for range 64 {
				if what() {
					return
				}
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for !what() {
		s.cond.Wait()
	}
}

// wake ends the sleep of all who wait.
func (s *sleeper) wake() {
	s.mu.Lock()
	s.cond.Broadcast()
	s.mu.Unlock()
}

// NewBarrier is a barrier for n goroutines.
func NewBarrier(n int) *Barrier {
	b := &Barrier{n: int32(n)}
	b.cond = sync.NewCond(&b.mu)
	return b
}

// NewDone is a count for the tasks of one caller.
func NewDone() *Done {
	d := &Done{}
	d.cond = sync.NewCond(&d.mu)
	return d
}
