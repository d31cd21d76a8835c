// SPDX-License-Identifier: Apache-2.0

package optim

import (
	"math"
	"runtime"
	"sync/atomic"

	"github.com/kdcompress/kdcompress/student/internal/crew"
)

// chunkSize is how many elements a goroutine takes at a time, whatever the processors: a
// multiple of liveBlock. Their working set stays in the second-level cache.
const chunkSize = 1 << 14

// chunks is work on the elements lo to hi of vectors, independent of other elements.
type chunks interface{ chunk(lo, hi int) }

// pool runs such work on all processors.
type pool struct {
	work chunks
	size int
	next atomic.Int64
	done *crew.Done
}

func newPool() *pool { return &pool{done: crew.NewDone()} }

// run has the work done on n elements.
func (p *pool) run(w chunks, n int) {
	p.work, p.size = w, n
	p.next.Store(0)
	crew.Together(p, max(1, min(runtime.GOMAXPROCS(0), n/chunkSize)), p.done)
	p.work = nil
}

// Part implements crew.Task.
func (p *pool) Part(int) {
	for {
		lo := int(p.next.Add(1)-1) * chunkSize
		if lo >= p.size {
			return
		}
		p.work.chunk(lo, min(lo+chunkSize, p.size))
	}
}

// eachRate calls visit for the runs of elements lo to hi of one rate, in order.
func eachRate(ranges []Range, lo, hi int, visit func(lo, hi int, rate float64)) {
	for _, r := range ranges {
		if r.Off+r.Len <= lo {
			continue
		}
		if r.Off >= hi {
			break
		}
		if r.Off > lo {
			visit(lo, r.Off, 0)
			lo = r.Off
		}
		to := min(hi, r.Off+r.Len)
		visit(lo, to, r.Rate)
		lo = to
	}
	if lo < hi {
		visit(lo, hi, 0)
	}
}

// zero says whether all elements are zero, of either sign.
func zero(x []float32) bool {
	var bits uint32
	for ; len(x) >= 8; x = x[8:] {
		y := (*[8]float32)(x)
		for _, v := range y {
			bits |= math.Float32bits(v)
		}
		if bits<<1 != 0 {
			return false
		}
	}
	for _, v := range x {
		bits |= math.Float32bits(v)
	}
	return bits<<1 == 0
}
