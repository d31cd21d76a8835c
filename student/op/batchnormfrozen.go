// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// frozenForward applies the running statistics: an affine map of every channel.
func frozenForward[T kernel.Float](b *batchNorm, f *Frame[T]) {
	scale, shift := f.Scratch[:b.channels], f.Scratch[b.channels:2*b.channels]
	for c := range b.channels {
		a := float64(f.In[1][c]) / math.Sqrt(float64(f.In[4][c])+b.epsilon)
		scale[c], shift[c] = T(a), T(float64(f.In[2][c])-a*float64(f.In[3][c]))
	}
	b.walkPlanes(f.N, func(at, c int) {
		y, x, a, o := f.Out[0][at:at+b.plane], f.In[0][at:at+b.plane], scale[c], shift[c]
		for i, v := range x {
			y[i] = a*v + o
		}
	})
}

// frozenBackward is the gradient of frozenForward. The statistics are constants.
func frozenBackward[T kernel.Float](b *batchNorm, f *Frame[T]) {
	scale, rstd := f.Scratch[:b.channels], f.Scratch[b.channels:2*b.channels]
	for c := range b.channels {
		r := 1 / math.Sqrt(float64(f.In[4][c])+b.epsilon)
		scale[c], rstd[c] = T(float64(f.In[1][c])*r), T(r)
	}
	b.walkPlanes(f.N, func(at, c int) {
		dy := f.DOut[0][at : at+b.plane]
		if f.DIn[0] != nil {
			kernel.Axpy(f.DIn[0][at:at+b.plane], scale[c], dy)
		}
		if f.DIn[1] == nil && f.DIn[2] == nil {
			return
		}
		sum := kernel.Sum(dy)
		if f.DIn[1] != nil {
			product := kernel.Dot(dy, f.In[0][at:at+b.plane]) - float64(f.In[3][c])*sum
			f.DIn[1][c] += T(product) * rstd[c]
		}
		if f.DIn[2] != nil {
			f.DIn[2][c] += T(sum)
		}
	})
}
