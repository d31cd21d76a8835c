// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"
	"testing"
)

// TestDropoutDraws checks what is dropped: the share, its change from run to run,
// sample to sample and seed to seed, and that the kept ones are scaled.
func TestDropoutDraws(t *testing.T) {
	const size = 4000
	ratio := 0.3
	draw := func(seed, run uint64, at int) (mask [size]bool) {
		d := &dropout[float32]{seed: seed, keep: float32(1 / (1 - ratio)), below: uint64(ratio * (1 << 32)), batched: true, size: size}
		x, y := make([]float32, size), make([]float32, size)
		for i := range x {
			x[i] = 1
		}
		d.forward(&Frame[float32]{N: 1, At: at, Run: run, In: [][]float32{x}, Out: [][]float32{y}})
		for i, v := range y {
			mask[i] = v == 0
			if v != 0 && v != d.keep {
				t.Fatalf("a kept element is %v, want %v", v, d.keep)
			}
		}
		return mask
	}
	base := draw(1, 1, 0)
	var dropped float64
	for _, m := range base {
		if m {
			dropped++
		}
	}
	// Five deviations of a binomial count.
	if d := math.Abs(dropped - ratio*size); d > 5*math.Sqrt(size*ratio*(1-ratio)) {
		t.Errorf("%v of %v elements dropped at ratio %v", dropped, size, ratio)
	}
	if base != draw(1, 1, 0) {
		t.Error("the same seed, run and sample drop differently")
	}
	for name, other := range map[string][size]bool{"seed": draw(2, 1, 0), "run": draw(1, 2, 0), "sample": draw(1, 1, 1)} {
		same := 0.0
		for i, m := range other {
			if m == base[i] {
				same++
			}
		}
		agree := ratio*ratio + (1-ratio)*(1-ratio)
		if d := math.Abs(same - agree*size); d > 5*math.Sqrt(size*agree*(1-agree)) {
			t.Errorf("draws for another %s agree in %v of %v elements, independent ones in %v", name, same, size, agree*size)
		}
	}
}
