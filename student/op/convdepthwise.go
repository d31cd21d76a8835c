// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// forwardDepthwise convolves every plane with the kernels of its own: output
// channel m reads input channel m/out.
func (c *conv[T]) forwardDepthwise(y, x, w, bias []T, images int) {
	channels := c.groups * c.out
	for i := range images {
		for m := range channels {
			var b T
			if bias != nil {
				b = bias[m]
			}
			p, q := i*channels+m, i*c.groups+m/c.out
			kernel.Depthwise(y[p*c.outLen:(p+1)*c.outLen], x[q*c.inLen:(q+1)*c.inLen], w[m*c.taps:(m+1)*c.taps], b, c.w)
		}
	}
}

// backwardDepthwise adds to the gradients of the planes and of the kernels, of
// which either may be nil.
func (c *conv[T]) backwardDepthwise(dx, dw, dy, x, w []T, images int) {
	channels := c.groups * c.out
	for i := range images {
		for m := range channels {
			p, q := i*channels+m, i*c.groups+m/c.out
			d := dy[p*c.outLen : (p+1)*c.outLen]
			if dx != nil {
				kernel.DepthwiseData(dx[q*c.inLen:(q+1)*c.inLen], d, w[m*c.taps:(m+1)*c.taps], c.w)
			}
			if dw != nil {
				kernel.DepthwiseWeight(dw[m*c.taps:(m+1)*c.taps], x[q*c.inLen:(q+1)*c.inLen], d, c.w)
			}
		}
	}
}
