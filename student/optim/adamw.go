// SPDX-License-Identifier: Apache-2.0

package optim

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// AdamW is Adam with decoupled weight decay (Loshchilov & Hutter 2019,
// arXiv:1711.05101): w -= lr*(m^/(sqrt(v^)+eps) + decay*w).
type AdamW struct {
	Beta1, Beta2, Eps float64 // NewAdamW: 0.9, 0.999, 1e-8
	// Decay of each run of weights; biases and scales are usually left alone.
	Decay []Range

	steps uint64
	m, v  []float32
	// live says which blocks of weights have ever had a gradient. In others both moments
	// are zero and a step does nothing but decay: most rows of a large table of
	// embeddings are such for long.
	live []bool

	w, grad          []float32 // of the step under way
	lr, bias1, bias2 float64
	pool             *pool
}

// liveBlock is how many weights have a common entry in AdamW.live.
const liveBlock = 512

// NewAdamW is an AdamW for n weights with the usual constants.
func NewAdamW(n int, decay []Range) *AdamW {
	return &AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Decay: decay, m: make([]float32, n), v: make([]float32, n),
		live: make([]bool, (n+liveBlock-1)/liveBlock), pool: newPool()}
}

// Step implements Optimizer.
func (a *AdamW) Step(w, grad []float32, lr float64) {
	if len(w) != len(a.m) || len(grad) != len(a.m) {
		panic("optim: weights and gradients of another size than the optimizer")
	}
	a.steps++
	a.w, a.grad, a.lr = w, grad, lr
	a.bias1 = 1 - math.Pow(a.Beta1, float64(a.steps))
	a.bias2 = 1 - math.Pow(a.Beta2, float64(a.steps))
	a.pool.run(a, len(w))
	a.w, a.grad = nil, nil
}

// chunk is the step of the weights lo to hi. lo is a multiple of liveBlock.
func (a *AdamW) chunk(lo, hi int) {
	for lo < hi {
		to := min(lo+liveBlock, hi)
		live := &a.live[lo/liveBlock]
		if !*live {
			*live = !zero(a.grad[lo:to])
		}
		eachRate(a.Decay, lo, to, func(lo, hi int, decay float64) {
			w := a.w[lo:hi]
			switch {
			case *live:
				kernel.AdamW(w, a.grad[lo:hi], a.m[lo:hi], a.v[lo:hi], float32(a.lr), float32(a.Beta1), float32(a.Beta2),
					float32(a.Eps), float32(decay), float32(a.bias1), float32(a.bias2))
			case decay != 0:
				kernel.Scal(w, 1-float32(float32(a.lr)*float32(decay)))
			}
		})
		lo = to
	}
}

// MarshalBinary implements encoding.BinaryMarshaler: the step count, then m and
// v as little-endian float32.
func (a *AdamW) MarshalBinary() ([]byte, error) { return pack(a.steps, a.m, a.v), nil }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (a *AdamW) UnmarshalBinary(b []byte) (err error) {
	steps, err := unpack(b, a.m, a.v)
	if err != nil {
		return err
	}
	a.steps = steps
	for i := range a.live {
		lo, hi := i*liveBlock, min((i+1)*liveBlock, len(a.m))
		a.live[i] = !zero(a.m[lo:hi]) || !zero(a.v[lo:hi])
	}
	return nil
}
