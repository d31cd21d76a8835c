// SPDX-License-Identifier: Apache-2.0

package optim

import "math"

// Cosine is a learning rate that rises linearly over Warmup steps to Peak and
// then falls along half a cosine to Floor at step Total (Loshchilov & Hutter
// 2017, arXiv:1608.03983, without restarts).
type Cosine struct {
	Peak, Floor   float64
	Warmup, Total int
}

// At is the rate of step i, counted from 0.
func (c Cosine) At(i int) float64 {
	if i < c.Warmup {
		return c.Peak * float64(i+1) / float64(c.Warmup)
	}
	if i >= c.Total {
		return c.Floor
	}
	t := float64(i-c.Warmup) / float64(max(c.Total-c.Warmup, 1))
	return c.Floor + (c.Peak-c.Floor)*(1+math.Cos(math.Pi*t))/2
}
