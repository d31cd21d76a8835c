// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Statistics are sums over the whole batch. A first phase leaves each shard's sums
// in its normShard; after the shards have waited for each other, each of them adds
// up all sums in the order of the shards, so that all come to the same numbers
// without a further wait. Sums are in float64: those of float32 would lose the
// variance of a channel whose mean is large.

// normSums adds up the values and the squares of every channel.
func normSums[T kernel.Float](b *batchNorm, f *Frame[T]) {
	s := &b.shards[f.Shard]
	if f.First {
		clear(s.sumA)
		clear(s.sumB)
	}
	p, x := b.plane, f.In[0]
	for range b.images.of(f.N) {
		for c := range b.channels {
			s.sumA[c] += kernel.Sum(x[:p])
			s.sumB[c] += kernel.Dot(x[:p], x[:p])
			x = x[p:]
		}
	}
}

// totals adds up both forward sums of channel c over the shards.
func (b *batchNorm) totals(c int) (sumA, sumB float64) {
	for i := range b.shards {
		sumA += b.shards[i].sumA[c]
		sumB += b.shards[i].sumB[c]
	}
	return sumA, sumB
}

// gradTotals adds up both backward sums of channel c over the shards.
func (b *batchNorm) gradTotals(c int) (gradA, gradB float64) {
	for i := range b.shards {
		gradA += b.shards[i].gradA[c]
		gradB += b.shards[i].gradB[c]
	}
	return gradA, gradB
}

// normApply normalises. The first slice of every shard derives the statistics;
// that of shard 0 moves the running ones.
func normApply[T kernel.Float](b *batchNorm, f *Frame[T]) {
	s := &b.shards[f.Shard]
	if f.First {
		m := float64(b.values)
		for c := range b.channels {
			sum, squares := b.totals(c)
			mean := sum / m
			variance := max(squares/m-mean*mean, 0)
			s.mean[c], s.rstd[c] = mean, 1/math.Sqrt(variance+b.epsilon)
			if f.Shard == 0 {
				f.In[3][c] = T(b.momentum*float64(f.In[3][c]) + (1-b.momentum)*mean)
				f.In[4][c] = T(b.momentum*float64(f.In[4][c]) + (1-b.momentum)*variance*m/(m-1))
			}
		}
	}
	b.walkPlanes(f.N, func(at, c int) {
		y, x := f.Out[0][at:at+b.plane], f.In[0][at:at+b.plane]
		mean, a, o := T(s.mean[c]), T(float64(f.In[1][c])*s.rstd[c]), f.In[2][c]
		kernel.Normalize(y, x, mean, a, o)
	})
}

// walkPlanes calls visit with the offset and the channel of every plane of a slice of
// n samples.
func (b *batchNorm) walkPlanes(n int, visit func(at, c int)) {
	at := 0
	for range b.images.of(n) {
		for c := range b.channels {
			visit(at, c)
			at += b.plane
		}
	}
}

// normGradSums adds up dY and dY * X̂ of every channel, X̂ the normalised input;
// they are the gradients of B and scale.
func normGradSums[T kernel.Float](b *batchNorm, f *Frame[T]) {
	s := &b.shards[f.Shard]
	if f.First {
		clear(s.gradA)
		clear(s.gradB)
	}
	b.walkPlanes(f.N, func(at, c int) {
		dy, x := f.DOut[0][at:at+b.plane], f.In[0][at:at+b.plane]
		sum := kernel.Sum(dy)
		product := (kernel.Dot(dy, x) - s.mean[c]*sum) * s.rstd[c]
		s.gradA[c] += sum
		s.gradB[c] += product
		if f.DIn[1] != nil {
			f.DIn[1][c] += T(product)
		}
		if f.DIn[2] != nil {
			f.DIn[2][c] += T(sum)
		}
	})
}

// normGradData adds scale * rstd * (dY - mean(dY) - X̂ * mean(dY * X̂)) to the
// gradient of X.
func normGradData[T kernel.Float](b *batchNorm, f *Frame[T]) {
	if f.DIn[0] == nil {
		return
	}
	s, m := &b.shards[f.Shard], float64(b.values)
	b.walkPlanes(f.N, func(at, c int) {
		dx, dy, x := f.DIn[0][at:at+b.plane], f.DOut[0][at:at+b.plane], f.In[0][at:at+b.plane]
		sum, product := b.gradTotals(c)
		a, mean := T(float64(f.In[1][c])*s.rstd[c]), T(s.mean[c])
		u, v := T(sum/m), T(s.rstd[c]*product/m)
		kernel.NormalizeGrad(dx, dy, x, mean, a, u, v)
	})
}
