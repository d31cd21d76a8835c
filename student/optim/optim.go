// SPDX-License-Identifier: Apache-2.0

// Package optim updates a flat vector of weights from a flat vector of
// gradients. It knows nothing of graphs.
package optim

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Optimizer changes weights by one step along their gradients. Its State is what
// a checkpoint must hold to go on as if nothing had happened.
type Optimizer interface {
	// Step updates w in place. len(w) and len(grad) are the optimizer's size.
	Step(w, grad []float32, lr float64)
	// MarshalBinary and UnmarshalBinary save and restore moments and step count.
	MarshalBinary() ([]byte, error)
	UnmarshalBinary(data []byte) error
}

// AdamW is Adam with decoupled weight decay (Loshchilov & Hutter 2019,
// arXiv:1711.05101): w -= lr*(m^/(sqrt(v^)+eps) + decay*w).
type AdamW struct {
	Beta1, Beta2, Eps float64 // zero: 0.9, 0.999, 1e-8
	// Decay of each run of weights; biases and scales are usually left alone.
	Decay []Range

	steps uint64
	m, v  []float32
}

// Range says that the weights from Off on, Len of them, decay at Rate.
type Range struct {
	Off, Len int
	Rate     float64
}

// NewAdamW is an AdamW for n weights with the usual constants.
func NewAdamW(n int, decay []Range) *AdamW {
	return &AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Decay: decay, m: make([]float32, n), v: make([]float32, n)}
}

// Step implements Optimizer.
func (a *AdamW) Step(w, grad []float32, lr float64) {
	if len(w) != len(a.m) || len(grad) != len(a.m) {
		panic("optim: weights and gradients of another size than the optimizer")
	}
	a.steps++
	bias1 := 1 - math.Pow(a.Beta1, float64(a.steps))
	bias2 := 1 - math.Pow(a.Beta2, float64(a.steps))
	at := 0
	update := func(lo, hi int, decay float64) {
		if lo < hi {
			kernel.AdamW(w[lo:hi], grad[lo:hi], a.m[lo:hi], a.v[lo:hi], float32(lr), float32(a.Beta1), float32(a.Beta2),
				float32(a.Eps), float32(decay), float32(bias1), float32(bias2))
		}
	}
	for _, r := range a.Decay {
		update(at, r.Off, 0)
		update(r.Off, r.Off+r.Len, r.Rate)
		at = r.Off + r.Len
	}
	update(at, len(w), 0)
}

// MarshalBinary implements encoding.BinaryMarshaler: the step count, then m and
// v as little-endian float32.
func (a *AdamW) MarshalBinary() ([]byte, error) {
	b := binary.LittleEndian.AppendUint64(nil, a.steps)
	for _, list := range [][]float32{a.m, a.v} {
		for _, x := range list {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
		}
	}
	return b, nil
}

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (a *AdamW) UnmarshalBinary(b []byte) error {
	if len(b) != 8+8*len(a.m) {
		return fmt.Errorf("state of an optimizer for %d weights, want %d", (len(b)-8)/8, len(a.m))
	}
	a.steps = binary.LittleEndian.Uint64(b)
	b = b[8:]
	for _, list := range [][]float32{a.m, a.v} {
		for i := range list {
			list[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
		b = b[4*len(list):]
	}
	return nil
}
