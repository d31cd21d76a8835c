// SPDX-License-Identifier: Apache-2.0

package optim

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// SGD is stochastic gradient descent with momentum (Sutskever et al. 2013, "On the
// importance of initialization and momentum in deep learning", in the form PyTorch has):
//
//	g += decay*w    m = momentum*m + g    w -= lr*m, or with Nesterov lr*(g + momentum*m)
type SGD struct {
	Momentum float64
	Nesterov bool
	// Decay of each run of weights, added to the gradient.
	Decay []Range

	steps   uint64
	m       []float32
	w, grad []float32 // of the step under way
	lr      float64
	pool    *pool
}

// NewSGD is an SGD for n weights.
func NewSGD(n int, momentum float64, nesterov bool, decay []Range) *SGD {
	return &SGD{Momentum: momentum, Nesterov: nesterov, Decay: decay, m: make([]float32, n), pool: newPool()}
}

// Step implements Optimizer.
func (s *SGD) Step(w, grad []float32, lr float64) {
	if len(w) != len(s.m) || len(grad) != len(s.m) {
		panic("optim: weights and gradients of another size than the optimizer")
	}
	s.steps++
	s.w, s.grad, s.lr = w, grad, lr
	s.pool.run(s, len(w))
	s.w, s.grad = nil, nil
}

// chunk is the step of the weights lo to hi.
func (s *SGD) chunk(lo, hi int) {
	eachRate(s.Decay, lo, hi, func(lo, hi int, decay float64) {
		w, g, m := s.w[lo:hi], s.grad[lo:hi], s.m[lo:hi]
		mu, step := float32(s.Momentum), float32(-s.lr)
		kernel.AddScaled(m, g, mu, m)
		if decay != 0 {
			kernel.Axpy(m, float32(decay), w)
		}
		if !s.Nesterov {
			kernel.Axpy(w, step, m)
			return
		}
		if decay != 0 {
			kernel.Scal(w, 1+step*float32(decay))
		}
		kernel.Axpy(w, step, g)
		kernel.Axpy(w, step*mu, m)
	})
}

// MarshalBinary implements encoding.BinaryMarshaler: the step count, then the momenta
// as little-endian float32.
func (s *SGD) MarshalBinary() ([]byte, error) { return pack(s.steps, s.m), nil }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (s *SGD) UnmarshalBinary(b []byte) error {
	steps, err := unpack(b, s.m)
	if err == nil {
		s.steps = steps
	}
	return err
}
