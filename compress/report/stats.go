// SPDX-License-Identifier: Apache-2.0

package report

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// z95 is the standard normal's 97.5% point.
var z95 = distuv.UnitNormal.Quantile(0.975)

// Wilson is the 95% score interval of a proportion after successes out of n
// trials (Wilson, "Probable inference, the law of succession, and statistical
// inference", JASA 22, 1927). successes may be fractional. With n = 0 nothing is
// known: [0, 1].
func Wilson(successes float64, n int) Interval {
	if n == 0 {
		return Interval{0, 1}
	}
	m, z2 := float64(n), z95*z95
	p := successes / m
	centre := (p + z2/(2*m)) / (1 + z2/m)
	half := z95 / (1 + z2/m) * math.Sqrt(p*(1-p)/m+z2/(4*m*m))
	lo, hi := max(0, centre-half), min(1, centre+half)
	// Rounding must not push the interval off a proportion at the edge.
	return Interval{min(lo, p), max(hi, p)}
}

// Quantile is the smallest value of x that at least the share p of x does not
// exceed: always an observed value. It panics on an empty x.
func Quantile(p float64, x []float64) float64 {
	if len(x) == 0 {
		panic("report: quantile of no values")
	}
	s := slices.Clone(x)
	slices.Sort(s)
	return stat.Quantile(p, stat.Empirical, s, nil)
}

// resamples is how many bootstrap samples an interval of a ratio rests on.
const resamples = 2000

// MedianRatio is the ratio of medians a / b of paired measurements taken in
// turn, with its 95% bootstrap interval. Blocks of about the cube root of the
// length are drawn, pairs kept together, because neighbouring runs share what
// else the machine was doing (Künsch, "The jackknife and the bootstrap for
// general stationary observations", Ann. Statist. 17, 1989). The same seed gives
// the same interval. a and b have the same length, and b is positive.
func MedianRatio(a, b []float64, seed uint64) (float64, Interval) {
	n := len(a)
	if n == 0 || n != len(b) {
		panic("report: ratio of medians needs pairs")
	}
	ra, rb := ranks(a), ranks(b)
	block := max(1, int(math.Cbrt(float64(n))))
	rng := rand.New(rand.NewPCG(seed, 0x6b64636f6d707265))
	ca, cb := make([]int, n), make([]int, n)
	ratios := make([]float64, resamples)
	for i := range ratios {
		clear(ca)
		clear(cb)
		for drawn := 0; drawn < n; {
			at := rng.IntN(n)
			for range min(block, n-drawn) {
				ca[ra.of[at]]++
				cb[rb.of[at]]++
				drawn++
				at = (at + 1) % n
			}
		}
		ratios[i] = ra.median(ca) / rb.median(cb)
	}
	slices.Sort(ratios)
	r := Quantile(0.5, a) / Quantile(0.5, b)
	return r, Interval{stat.Quantile(0.025, stat.Empirical, ratios, nil), stat.Quantile(0.975, stat.Empirical, ratios, nil)}
}

// ranked holds values in order, and the rank of each original position.
type ranked struct {
	sorted []float64
	of     []int
}

func ranks(x []float64) ranked {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case x[i] < x[j]:
			return -1
		case x[i] > x[j]:
			return 1
		}
		return 0
	})
	r := ranked{sorted: make([]float64, len(x)), of: make([]int, len(x))}
	for rank, i := range order {
		r.sorted[rank] = x[i]
		r.of[i] = rank
	}
	return r
}

// median is the median of a resample in which rank i occurs counts[i] times.
func (r ranked) median(counts []int) float64 {
	half := (len(counts) + 1) / 2
	seen := 0
	for i, c := range counts {
		if seen += c; seen >= half {
			return r.sorted[i]
		}
	}
	panic("report: resample is smaller than its sample")
}
