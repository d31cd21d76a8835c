// SPDX-License-Identifier: Apache-2.0

package quant

import "math"

// mse takes the range with the least mean squared error of rounding and clipping
// together. Each end is drawn in by up to seven tenths, first both at once, then
// one after the other.
var _ = register(Calibrator{
	Name: "mse", Summary: "the least squared error of rounding and clipping",
	Range: func(h *Histogram) (lo, hi float64) {
		lo, hi = h.limits()
		if hi <= lo {
			return lo, hi
		}
		least := h.squaredError(lo, hi)
		try := func(l, u float64) {
			if e := h.squaredError(l, u); e < least {
				least, lo, hi = e, l, u
			}
		}
		const steps = 36
		shrink := func(v float64, i int) float64 { return v * (1 - 0.7*float64(i)/steps) }
		l, u := lo, hi
		for i := 1; i <= steps; i++ {
			try(shrink(l, i), shrink(u, i))
		}
		if h.Min >= 0 || h.Max <= 0 {
			return lo, hi
		}
		fixed := lo
		for i := range steps + 1 {
			try(fixed, shrink(u, i))
		}
		fixed = hi
		for i := range steps + 1 {
			try(shrink(l, i), fixed)
		}
		return lo, hi
	},
})

// squaredError is the sum over the values of the squared distance to what eight
// bits over [lo, hi] hold for them.
func (h *Histogram) squaredError(lo, hi float64) float64 {
	step := (hi - lo) / levels
	if !(step > 0) {
		return math.Inf(1)
	}
	var sum float64
	for bin, n := range h.Bins {
		if n == 0 {
			continue
		}
		x := h.Center(bin)
		q := min(max(math.RoundToEven(x/step)*step, lo), hi)
		sum += float64(n) * (x - q) * (x - q)
	}
	return sum
}
