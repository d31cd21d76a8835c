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

// Schedule gives the learning rate of every step, counted from 0.
type Schedule interface{ At(step int) float64 }

// Steps is a rate that rises linearly over Warmup steps to Peak and is multiplied by
// Factor at every milestone it passes.
type Steps struct {
	Peak, Factor float64
	Warmup       int
	Milestones   []int // ascending
}

// At is the rate of step i, counted from 0.
func (s Steps) At(i int) float64 {
	if i < s.Warmup {
		return s.Peak * float64(i+1) / float64(s.Warmup)
	}
	rate := s.Peak
	for _, m := range s.Milestones {
		if i >= m {
			rate *= s.Factor
		}
	}
	return rate
}

// Linear is a rate that rises linearly over Warmup steps to Peak and then falls
// linearly to Floor at step Total.
type Linear struct {
	Peak, Floor   float64
	Warmup, Total int
}

// At is the rate of step i, counted from 0.
func (l Linear) At(i int) float64 {
	if i < l.Warmup {
		return l.Peak * float64(i+1) / float64(l.Warmup)
	}
	if i >= l.Total {
		return l.Floor
	}
	return l.Peak + (l.Floor-l.Peak)*float64(i-l.Warmup)/float64(max(l.Total-l.Warmup, 1))
}
