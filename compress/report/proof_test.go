// SPDX-License-Identifier: Apache-2.0

package report

import (
	"math"
	"testing"
)

// TestDifferences compares both intervals with values computed by hand.
func TestDifferences(t *testing.T) {
	a := []bool{true, true, true, false, true, true, false, true}
	b := []bool{true, false, true, false, false, true, true, true}
	// Two inputs are won and one is lost of eight: variance 3/8 - 1/64.
	d, ci := PairedDifference(a, b)
	half := 1.959964 * math.Sqrt((3.0/8-1.0/64)/8)
	if d != 0.125 || math.Abs(ci[0]-(0.125-half)) > 1e-6 || math.Abs(ci[1]-(0.125+half)) > 1e-6 {
		t.Errorf("difference %g %v, want 0.125 +- %g", d, ci, half)
	}
	// t with two degrees of freedom is 4.302653 at 97.5%.
	m, ci := MeanInterval([]float64{1, 2, 3})
	if m != 2 || math.Abs(ci[1]-(2+4.302653/math.Sqrt(3))) > 1e-5 {
		t.Errorf("mean %g %v", m, ci)
	}
	if Rate(a) != 0.75 || Rate(nil) != 0 {
		t.Error("rates")
	}
}
