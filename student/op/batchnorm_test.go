// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"
	"testing"
)

// TestBatchNormStatistics compares training with the definition, and the running
// statistics with PyTorch's rule: the variance that normalises has divisor m, the
// one that is remembered m-1.
func TestBatchNormStatistics(t *testing.T) {
	o, err := Lookup("", "BatchNormalization", newest)
	if err != nil {
		t.Fatal(err)
	}
	for i := range o.Cases {
		c := &o.Cases[i]
		if !c.Training {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			for _, how := range []cut{oneSlice, unevenParts, sampleWise} {
				r := newRig[float64](t, o, c, how)
				r.forward()
				compareBatchNorm(t, r)
			}
		})
	}
}

func compareBatchNorm(t *testing.T, r *rig[float64]) {
	t.Helper()
	shape := r.node.In[0].Shape
	images, channels, plane := shape[0], shape[1], Len(shape[2:])
	x, scale, bias, mean, variance := r.values[0], r.values[1], r.values[2], r.values[3], r.values[4]
	momentum, epsilon := float64(r.node.Float("momentum", 0.9)), float64(r.node.Float("epsilon", 1e-5))
	m := float64(images * plane)
	for c := range channels {
		var sum, squares float64
		each := func(visit func(i int)) {
			for n := range images {
				for p := range plane {
					visit((n*channels+c)*plane + p)
				}
			}
		}
		each(func(i int) { sum += x[i] })
		each(func(i int) { squares += (x[i] - sum/m) * (x[i] - sum/m) })
		near := func(what string, got, want float64) {
			t.Helper()
			if math.Abs(got-want) > 1e-9 {
				t.Fatalf("channel %d: %s is %v, want %v", c, what, got, want)
			}
		}
		each(func(i int) {
			near("output", r.out[0].data()[i], (x[i]-sum/m)/math.Sqrt(squares/m+epsilon)*scale[c]+bias[c])
		})
		near("running mean", r.in[3].data()[c], momentum*mean[c]+(1-momentum)*sum/m)
		near("running variance", r.in[4].data()[c], momentum*variance[c]+(1-momentum)*squares/(m-1))
	}
}

// TestBatchNormLargeMean keeps the variance where the mean is a thousand
// deviations away, as float32 sums would not.
func TestBatchNormLargeMean(t *testing.T) {
	o, err := Lookup("", "BatchNormalization", newest)
	if err != nil {
		t.Fatal(err)
	}
	one := Arg{Shape: []int{1}, Lo: 1, Hi: 1.0001}
	c := &Case{Name: "large mean", Training: true, In: []Arg{{Shape: []int{5, 1, 20, 20}, Lo: 999, Hi: 1001}, one, one, one, one}}
	r := newRig[float32](t, o, c, unevenParts)
	r.forward()
	var squares float64
	for _, y := range r.out[0].data() {
		squares += float64(y-1) * float64(y-1)
	}
	if v := squares / 2000; math.Abs(v-1) > 1e-3 {
		t.Errorf("variance of the output is %v, want 1", v)
	}
}
