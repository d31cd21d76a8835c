// SPDX-License-Identifier: Apache-2.0

package quant

// tail is the share of the values that percentile leaves outside on either side.
const tail = 0.5e-4

// percentile clips the farthest hundredth of a percent, half of it on each side.
var _ = register(Calibrator{
	Name: "percentile", Summary: "99.99% of the observed values",
	Range: func(h *Histogram) (lo, hi float64) {
		lo, hi = h.limits()
		most := int64(tail * float64(h.Count))
		step := h.Width / half
		for bin, out := 2*half-1, int64(0); bin >= half; bin-- {
			if out += h.Bins[bin]; out > most {
				hi = min(hi, float64(bin+1-half)*step)
				break
			}
		}
		for bin, out := 0, int64(0); bin < half; bin++ {
			if out += h.Bins[bin]; out > most {
				lo = max(lo, float64(bin-half)*step)
				break
			}
		}
		return lo, hi
	},
})
