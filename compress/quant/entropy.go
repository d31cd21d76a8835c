// SPDX-License-Identifier: Apache-2.0

package quant

import "math"

// entropy takes the threshold of magnitude at which the distribution of the
// values and that of their integers differ least, by Kullback-Leibler divergence.
// Exact zeros, which ReLU makes by the million, stay out of it.
//
// S. Migacz, 8-bit Inference with TensorRT, GTC 2017.
var _ = register(Calibrator{
	Name: "entropy", Summary: "the least divergence of the clipped distribution from the observed one",
	Range: func(h *Histogram) (lo, hi float64) {
		lo, hi = h.limits()
		p := make([]float64, half)
		last := 0
		for i := range half {
			if p[i] = float64(h.Bins[half+i] + h.Bins[half-1-i]); p[i] > 0 {
				last = i
			}
		}
		sides := 2.0
		if h.Min >= 0 || h.Max <= 0 {
			sides = 1
		}
		q := int(levels/sides) + 1
		best, least := last+1, math.Inf(1)
		for bins := q; bins <= last+1; bins += max((last+1)/128, 1) {
			if d := clippedDivergence(p[:last+1], bins, q); d < least {
				best, least = bins, d
			}
		}
		if d := clippedDivergence(p[:last+1], last+1, q); last+1 > q && d < least {
			best = last + 1
		}
		t := float64(best) * h.Width / half
		return max(lo, -t), min(hi, t)
	},
})

// clippedDivergence is the divergence of p, with everything beyond the first bins
// counted in the last of them, from p's first bins spread over q levels.
func clippedDivergence(p []float64, bins, q int) float64 {
	ref := make([]float64, bins)
	copy(ref, p)
	var sum, kept float64
	for _, v := range p[bins:] {
		ref[bins-1] += v
	}
	approx := make([]float64, bins)
	for l := range q {
		from, to := l*bins/q, (l+1)*bins/q
		var mass float64
		filled := 0
		for _, v := range p[from:to] {
			if mass += v; v > 0 {
				filled++
			}
		}
		for i := from; i < to; i++ {
			if p[i] > 0 {
				approx[i] = mass / float64(filled)
			}
		}
		kept += mass
	}
	for _, v := range ref {
		sum += v
	}
	if sum == 0 || kept == 0 {
		return math.Inf(1)
	}
	var d float64
	for i, v := range ref {
		if v > 0 {
			// A bin that only the clipped mass fills has a probability of its own.
			d += v / sum * math.Log(v/sum/max(approx[i]/kept, 1e-9))
		}
	}
	return d
}
