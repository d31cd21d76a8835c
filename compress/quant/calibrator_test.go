// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"math"
	"math/rand/v2"
	"testing"
)

// distributions are tensors that calibration meets.
var distributions = map[string]func(r *rand.Rand) float32{
	"normal":     func(r *rand.Rand) float32 { return float32(r.NormFloat64()) },
	"rectified":  func(r *rand.Rand) float32 { return float32(max(r.NormFloat64(), 0)) },
	"shifted":    func(r *rand.Rand) float32 { return float32(3 + r.NormFloat64()/4) },
	"negative":   func(r *rand.Rand) float32 { return -float32(r.ExpFloat64()) },
	"heavy tail": func(r *rand.Rand) float32 { return float32(r.NormFloat64() / max(math.Sqrt(r.Float64()), 1e-3)) },
	"tiny":       func(r *rand.Rand) float32 { return float32(r.NormFloat64() * 1e-12) },
	"zero":       func(*rand.Rand) float32 { return 0 },
	"one value":  func(*rand.Rand) float32 { return 2.5 },
}

func observed(draw func(r *rand.Rand) float32, scale float32) *Histogram {
	r := rand.New(rand.NewPCG(3, 9))
	h := &Histogram{}
	for range 40 {
		v := make([]float32, 500)
		for i := range v {
			v[i] = draw(r) * scale
		}
		h.Add(v)
	}
	return h
}

// TestCalibrators holds every calibrator to its contract on every distribution.
func TestCalibrators(t *testing.T) {
	if len(Calibrators()) < 4 {
		t.Fatal("calibrators are missing")
	}
	for _, c := range Calibrators() {
		for name, draw := range distributions {
			h := observed(draw, 1)
			lo, hi := c.Range(h)
			if !(lo <= 0 && hi >= 0 && lo >= min(h.Min, 0) && hi <= max(h.Max, 0)) {
				t.Errorf("%s, %s: [%g, %g] of observed [%g, %g]", c.Name, name, lo, hi, h.Min, h.Max)
			}
			if name != "zero" && hi-lo <= 0 {
				t.Errorf("%s, %s: an empty range", c.Name, name)
			}
			if h.Min >= 0 && lo != 0 || h.Max <= 0 && hi != 0 {
				t.Errorf("%s, %s: [%g, %g] where one side was never seen", c.Name, name, lo, hi)
			}
			// A power of two moves the range and nothing else.
			l, u := c.Range(observed(draw, 16))
			if math.Abs(l-16*lo) > 1e-6*math.Abs(l) || math.Abs(u-16*hi) > 1e-6*math.Abs(u) {
				t.Errorf("%s, %s: [%g, %g], and of 16 times the values [%g, %g]", c.Name, name, lo, hi, l, u)
			}
			least, most := h.squaredError(LookupCalibrator("mse").Range(h)), h.squaredError(lo, hi)
			if name != "zero" && least > 1.03*most { // its search goes in steps
				t.Errorf("%s, %s: squared error %g, well below the %g of mse", c.Name, name, most, least)
			}
		}
	}
}

func TestMinmaxIsExact(t *testing.T) {
	h := observed(distributions["heavy tail"], 1)
	if lo, hi := LookupCalibrator("minmax").Range(h); lo != h.Min || hi != h.Max {
		t.Errorf("[%g, %g] of [%g, %g]", lo, hi, h.Min, h.Max)
	}
}

// TestClippersClip: of a heavy tail all but minmax leave something out. The squared
// error of the farthest values keeps mse from leaving out much.
func TestClippersClip(t *testing.T) {
	h := observed(distributions["heavy tail"], 1)
	for _, c := range Calibrators() {
		if lo, hi := c.Range(h); c.Name != "minmax" && (hi-lo >= h.Max-h.Min || c.Name != "mse" && hi-lo > 0.8*(h.Max-h.Min)) {
			t.Errorf("%s: [%g, %g] of [%g, %g]", c.Name, lo, hi, h.Min, h.Max)
		}
	}
}

// TestPercentileCounts: the share left outside is what it says.
func TestPercentileCounts(t *testing.T) {
	h := &Histogram{}
	v := make([]float32, 100000)
	for i := range v {
		v[i] = float32(i+1) / 1e5
	}
	h.Add(v)
	if _, hi := LookupCalibrator("percentile").Range(h); math.Abs(hi-(1-tail)) > 2.0/half {
		t.Errorf("upper end %g", hi)
	}
}

// TestHistogram: counts, ends and bins do not depend on how the values arrive.
func TestHistogram(t *testing.T) {
	for name, draw := range distributions {
		r := rand.New(rand.NewPCG(1, 2))
		v := make([]float32, 3000)
		for i := range v {
			v[i] = draw(r)
		}
		var all, parts Histogram
		all.Add(v)
		for i := 0; i < len(v); i += 7 {
			parts.Add(v[i:min(i+7, len(v))])
		}
		if parts.Min != all.Min || parts.Max != all.Max || parts.Count != all.Count || parts.Zeros != all.Zeros {
			t.Errorf("%s: %v %v %d %d, want %v %v %d %d", name, parts.Min, parts.Max, parts.Count, parts.Zeros, all.Min, all.Max, all.Count, all.Zeros)
		}
		sum := all.Zeros
		for i, n := range all.Bins {
			sum += n
			if d := n - parts.Bins[i]; parts.Width == all.Width && d != 0 {
				// A value at the edge of a bin may fall to either side.
				if d > 2 || d < -2 {
					t.Errorf("%s: bin %d holds %d, in parts %d", name, i, n, parts.Bins[i])
				}
			}
		}
		if sum != all.Count {
			t.Errorf("%s: bins hold %d of %d", name, sum, all.Count)
		}
	}
}

func TestHistogramLeavesOutWhatIsNotFinite(t *testing.T) {
	var h Histogram
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	if bad := h.Add([]float32{1, nan, -2, inf, -inf}); bad != 3 || h.Count != 2 || h.Min != -2 || h.Max != 1 {
		t.Errorf("%d bad, %d counted, [%g, %g]", bad, h.Count, h.Min, h.Max)
	}
	if bad := h.Add([]float32{nan}); bad != 1 || h.Count != 2 {
		t.Errorf("%d bad, %d counted", bad, h.Count)
	}
}
