// SPDX-License-Identifier: Apache-2.0

package optim

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Average follows weights by an exponential moving average (Polyak & Juditsky 1992;
// Tarvainen & Valpola 2017, arXiv:1703.01780): after every step
//
//	a = d*a + (1-d)*w,  d = min(Decay, (1+t)/(10+t))
//
// with t the updates done before, so that the first weights are soon forgotten.
type Average struct {
	Decay float64
	// W is the average. It begins as a copy of the weights at the first update.
	W []float32

	updates uint64
	w       []float32
	rate    float32
	pool    *pool
}

// NewAverage is an average of n weights.
func NewAverage(n int, decay float64) *Average {
	return &Average{Decay: decay, W: make([]float32, n), pool: newPool()}
}

// Update takes w into the average.
func (a *Average) Update(w []float32) {
	if len(w) != len(a.W) {
		panic("optim: weights of another size than the average")
	}
	t := float64(a.updates)
	a.updates++
	if t == 0 {
		copy(a.W, w)
		return
	}
	a.w, a.rate = w, float32(1-math.Min(a.Decay, (1+t)/(10+t)))
	a.pool.run(a, len(w))
	a.w = nil
}

func (a *Average) chunk(lo, hi int) {
	avg, w := a.W[lo:hi], a.w[lo:hi]
	kernel.Scal(avg, 1-a.rate)
	kernel.Axpy(avg, a.rate, w)
}

// MarshalBinary implements encoding.BinaryMarshaler: the updates, then the average as
// little-endian float32.
func (a *Average) MarshalBinary() ([]byte, error) { return pack(a.updates, a.W), nil }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (a *Average) UnmarshalBinary(b []byte) error {
	n, err := unpack(b, a.W)
	if err == nil {
		a.updates = n
	}
	return err
}
