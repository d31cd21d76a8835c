// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"
	"testing"
)

// TestStraightThrough pushes a gradient of ones through operators that round: it
// comes back divided by the scale where nothing saturates, and as zero elsewhere.
func TestStraightThrough(t *testing.T) {
	for _, c := range []struct {
		op, name  string
		saturates bool
	}{
		{"QuantizeLinear", "unsigned", true},
		{"QuantizeLinear", "signed", true},
		{"QuantizeLinear", "16 bits", false},
		{"QuantizeLinear", "channels", true},
		{"DynamicQuantizeLinear", "both signs", false},
	} {
		t.Run(c.op+"/"+c.name, func(t *testing.T) {
			o, err := Lookup("", c.op, newest)
			if err != nil {
				t.Fatal(err)
			}
			for i := range o.Cases {
				if o.Cases[i].Name == c.name {
					straightThrough(t, o, &o.Cases[i], c.saturates)
					return
				}
			}
			t.Fatal("no such case")
		})
	}
}

func straightThrough(t *testing.T, o *Op, c *Case, saturates bool) {
	r := newRig[float64](t, o, c, unevenParts)
	r.forward()
	y := r.out[0].data()
	scaleOf := func(int) float64 { return r.out[1].data()[0] }
	if len(r.out) == 1 {
		inner := r.node.In[0].Len() / 15 // behind three channels of five samples
		scaleOf = func(i int) float64 {
			scales := r.values[1]
			return scales[i/inner%3%len(scales)]
		}
	}
	lo, hi := 0.0, 255.0
	if len(r.out) == 1 {
		var err error
		if lo, hi, err = integerRange(r.k.Out[0].Type); err != nil {
			t.Fatal(err)
		}
	}
	v := directions(r, 1)
	for i := range v {
		for j := range v[i] {
			v[i][j] = 1
		}
	}
	values := append([]float64{}, y...)
	scale := make([]float64, len(values))
	for i := range scale {
		scale[i] = scaleOf(i)
	}
	passed, stopped := 0, 0
	for i, g := range r.backward(v, 0)[0] {
		inside := values[i] > lo && values[i] < hi
		switch {
		case inside && math.Abs(g-1/scale[i]) > 1e-12:
			t.Fatalf("element %d: gradient %v, scale %v", i, g, scale[i])
		case inside:
			passed++
		case g == 0:
			stopped++
		}
	}
	r.check()
	if passed == 0 || saturates != (stopped > 0) {
		t.Errorf("%d gradients passed, %d stopped", passed, stopped)
	}
}
