// SPDX-License-Identifier: Apache-2.0

package quant

import "math"

// half is the number of bins on either side of zero.
const half = 4096

// Histogram counts the values of a tensor as they stream by, in memory that does
// not depend on their number. Bins are equally wide and symmetric about zero;
// where a value lies beyond them, the range doubles and bins merge in pairs, so
// that at least half/2 of them cover the larger side.
type Histogram struct {
	Min, Max float64
	Count    int64 // of all values, zeros included
	Zeros    int64 // exact zeros, which every quantization holds exactly; in no bin
	Width    float64
	Bins     [2 * half]int64 // bin half holds [0, Width/half)
}

// Add counts the values. Values that are not finite are returned as a count and
// left out.
func (h *Histogram) Add(values []float32) (bad int64) {
	if h.Count == 0 {
		h.Min, h.Max = math.Inf(1), math.Inf(-1)
	}
	lo, hi := float32(math.Inf(1)), float32(math.Inf(-1))
	for _, v := range values {
		if v < lo {
			lo = v
		}
		if v > hi {
			hi = v
		}
	}
	if !(math.Abs(float64(lo)) < math.MaxFloat32 && math.Abs(float64(hi)) < math.MaxFloat32) {
		// Something is not finite: one value at a time.
		lo, hi = float32(math.Inf(1)), float32(math.Inf(-1))
		kept := make([]float32, 0, len(values))
		for _, v := range values {
			if v != v || math.IsInf(float64(v), 0) {
				bad++
				continue
			}
			lo, hi = min(lo, v), max(hi, v)
			kept = append(kept, v)
		}
		if values = kept; len(values) == 0 {
			return bad
		}
	}
	h.Min, h.Max = min(h.Min, float64(lo)), max(h.Max, float64(hi))
	h.Count += int64(len(values))
	h.grow(max(-float64(lo), float64(hi)))
	per := float32(half / h.Width)
	for _, v := range values {
		if v == 0 {
			h.Zeros++
			continue
		}
		at := int(v*per + half)
		if v < 0 && float32(at) > v*per+half {
			at--
		}
		h.Bins[min(max(at, 0), 2*half-1)]++
	}
	return bad
}

// grow doubles the range until it holds most, a magnitude.
func (h *Histogram) grow(most float64) {
	if h.Width == 0 {
		h.Width = 0x1p-100
		if most > h.Width {
			h.Width = math.Ldexp(1, math.Ilogb(most)+1)
		}
	}
	for h.Width <= most {
		var b [2 * half]int64
		for i := range half {
			b[half+i/2] += h.Bins[half+i]
			b[half-1-i/2] += h.Bins[half-1-i]
		}
		h.Bins = b
		h.Width *= 2
	}
}

// Center is the middle of a bin.
func (h *Histogram) Center(bin int) float64 {
	return (float64(bin-half) + 0.5) * h.Width / half
}

// limits are the observed ends, widened to hold zero.
func (h *Histogram) limits() (lo, hi float64) {
	if h.Count == 0 {
		return 0, 0
	}
	return min(h.Min, 0), max(h.Max, 0)
}
