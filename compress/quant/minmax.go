// SPDX-License-Identifier: Apache-2.0

package quant

// minmax clips nothing: the range is what was observed.
var _ = register(Calibrator{
	Name: "minmax", Summary: "the whole observed range",
	Range: func(h *Histogram) (lo, hi float64) { return h.limits() },
})
