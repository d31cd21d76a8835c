// SPDX-License-Identifier: Apache-2.0

package optim

import (
	"math"
	"slices"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Clipper bounds the norm of gradients (Pascanu et al. 2013, arXiv:1211.5063). The zero
// value is ready; it is not safe for concurrent use.
type Clipper struct {
	sums  []float64 // of squares, chunk by chunk
	grad  []float32
	scale float32 // 0 while the norm is taken
	pool  *pool
}

// Norm scales grad so that its Euclidean norm is at most limit, and returns
// the norm it had. A limit of 0 leaves it alone. A norm that is not finite is
// returned as it is and the gradient is left alone: the caller must not step.
func (c *Clipper) Norm(grad []float32, limit float64) float64 {
	if c.pool == nil {
		c.pool = newPool()
	}
	chunks := (len(grad) + chunkSize - 1) / chunkSize
	c.sums = slices.Grow(c.sums[:0], chunks)[:chunks]
	c.grad, c.scale = grad, 0
	c.pool.run(c, len(grad))
	var sum float64
	for _, s := range c.sums {
		sum += s
	}
	norm := math.Sqrt(sum)
	if limit > 0 && norm > limit && !math.IsInf(norm, 0) {
		c.scale = float32(limit / norm)
		c.pool.run(c, len(grad))
	}
	c.grad = nil
	return norm
}

func (c *Clipper) chunk(lo, hi int) {
	if g := c.grad[lo:hi]; c.scale == 0 {
		c.sums[lo/chunkSize] = kernel.Dot(g, g)
	} else {
		kernel.Scal(g, c.scale)
	}
}

// ClipValue limits every element of grad to [-limit, limit].
func ClipValue(grad []float32, limit float32) {
	for i, g := range grad {
		grad[i] = max(-limit, min(g, limit))
	}
}
